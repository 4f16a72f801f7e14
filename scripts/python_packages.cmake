# Warns where the Python that the nodes will run with lacks what planning needs.
get_filename_component(repo ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
set(find "from importlib.util import find_spec as f")
set(needs "['numpy', 'scipy', 'torch', 'numba', 'cv2', 'yaml']")
execute_process(
  COMMAND ${PYTHON_EXECUTABLE} -c "${find}\nprint(', '.join(n for n in ${needs} if f(n) is None))"
  OUTPUT_VARIABLE missing
  OUTPUT_STRIP_TRAILING_WHITESPACE
)
if(missing)
  message(WARNING "${PYTHON_EXECUTABLE}, which the nodes will run with, lacks ${missing}. "
    "Install them for it, or choose another Python: -DPYTHON_EXECUTABLE=PATH. "
    "`make setup` in ${repo} makes one with all that is needed, "
    "~/.cache/antipodal/venv/bin/python3.")
endif()

# The planner node on Debian 12, built by the scripts that build it elsewhere:
#   docker build -t antipodal .
#   docker run --rm --network host -e ROS_MASTER_URI antipodal roslaunch --wait antipodal planner.launch depth_image:=...
#   docker run --rm antipodal antipodal doctor
FROM debian:12
RUN apt-get update \
    && apt-get install -y -qq --no-install-recommends ca-certificates git make python3 \
    && rm -rf /var/lib/apt/lists/*
COPY . /opt/antipodal
WORKDIR /opt/antipodal
ENV XDG_CACHE_HOME=/opt/cache OMP_NUM_THREADS=1
RUN scripts/setup && rm -rf /var/lib/apt/lists/* /root/.cache
# The node needs no rights. It compiles its kernels beside the sources, here and not at each start.
RUN useradd --create-home ros && chown -R ros src
USER ros
RUN bash -c "source env.sh && python3 -c 'from antipodal.planner import GraspPlanner; GraspPlanner.load(\"default\").warm_up()'"
ENTRYPOINT ["bash", "-c", "source /opt/antipodal/env.sh && exec \"$@\"", "--"]
CMD ["roslaunch", "--wait", "antipodal", "planner.launch"]

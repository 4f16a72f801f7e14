"""Where a hand could go: grasps in a view, antipodal pairs, clearance, balance."""

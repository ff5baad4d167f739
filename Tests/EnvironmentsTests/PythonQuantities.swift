/// What each environment's quantities are, in the words of Gymnasium and of MuJoCo's Python binding.
enum PythonQuantities {
  /// Runs 300 steps of random actions; `body` makes a dictionary from the environment `u`, its `info`, the `action`, and
  /// MuJoCo's data `d`, with the positions of bodies brought up to date in `k`.
  static let script = """
    import base64, copy, json, sys, warnings, numpy as np, gymnasium as gym
    warnings.filterwarnings("ignore")
    q = json.load(sys.stdin)
    env = gym.make(q["id"], disable_env_checker=True)
    u, space, rng = env.unwrapped, env.action_space, np.random.default_rng(3)
    d = getattr(u, "data", None)
    if d is not None: import mujoco
    def joints(*names):
      return [d.joint(n).qpos[0] for n in names]
    def rates(*names):
      return [d.joint(n).qvel[0] for n in names]
    def touches(name):
      g = u.model.geom(name).id
      return float(any(g in (c.geom1, c.geom2) for c in d.contact))
    human = ["abdomen_z", "abdomen_y", "abdomen_x"]
    for side in ("right", "left"): human += [side + n for n in ("_hip_x", "_hip_z", "_hip_y", "_knee")]
    for side in ("right", "left"): human += [side + n for n in ("_shoulder1", "_shoulder2", "_elbow")]
    t = None
    measure = eval("lambda k, info, action, reward: dict(" + q["body"] + ")")
    actions, out = [], {}
    env.reset(seed=11)
    for _ in range(300):
      if hasattr(space, "n"): action = rng.integers(space.n)
      else: action = rng.uniform(1.2 * np.float64(space.low), 1.2 * np.float64(space.high))
      obs, reward, terminated, truncated, info = env.step(action)
      k = None
      if hasattr(u, "decode"): t = tuple(u.decode(u.s))
      if d is not None:
        k = copy.copy(d)
        mujoco.mj_kinematics(u.model, k)
      actions.append(action)
      for name, value in measure(k, info, action, reward).items(): out.setdefault(name, []).append(value)
      if terminated or truncated: env.reset()
    encode = lambda x: base64.b64encode(np.ascontiguousarray(x, dtype="<f8").tobytes()).decode()
    print(json.dumps(dict(actions=encode(actions), quantities={n: encode(v) for n, v in out.items()})))
    """

  private static let frozenLake = """
    row=u.s // u.ncol, column=u.s % u.ncol, in_hole=float(u.desc.ravel()[u.s] == b"H"),
    at_goal=float(u.desc.ravel()[u.s] == b"G"),
    goal_distance=u.nrow - 1 - u.s // u.ncol + u.ncol - 1 - u.s % u.ncol
    """

  private static let cliffWalking = """
    row=u.s // 12, column=u.s % 12, fell=float(reward == -100), at_goal=float(u.s == 47),
    goal_distance=3 - u.s // 12 + 11 - u.s % 12
    """

  static let all = [
    "CartPole-v1": """
      cart_position=u.state[0], cart_velocity=u.state[1], pole_angle=u.state[2], pole_angular_velocity=u.state[3]
      """,
    "Pendulum-v1": """
      angle=np.arctan2(np.sin(u.state[0]), np.cos(u.state[0])), angular_velocity=u.state[1], torque=u.last_u,
      tip_height=np.cos(u.state[0]), control_cost=0.001 * min(abs(action[0]), 2) ** 2
      """,
    "HalfCheetah-v5": """
      x_position=info["x_position"], x_velocity=info["x_velocity"], z_velocity=rates("rootz"),
      torso_height=k.body("torso").xpos[2], torso_angle=joints("rooty"), torso_angular_velocity=rates("rooty"),
      joint_angles=joints("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot"),
      joint_velocities=rates("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot"),
      foot_contacts=[touches("bfoot"), touches("ffoot")], control_cost=-info["reward_ctrl"]
      """,
    "Hopper-v5": """
      x_position=info["x_position"], x_velocity=info["x_velocity"], z_velocity=rates("rootz"),
      height=k.body("torso").xpos[2], torso_angle=joints("rooty"), torso_angular_velocity=rates("rooty"),
      joint_angles=joints("thigh_joint", "leg_joint", "foot_joint"),
      joint_velocities=rates("thigh_joint", "leg_joint", "foot_joint"), foot_height=k.geom("foot_geom").xpos[2],
      foot_contact=touches("foot_geom"), healthy=info["reward_survive"], control_cost=-info["reward_ctrl"]
      """,
    "InvertedPendulum-v5": """
      cart_position=joints("slider"), cart_velocity=rates("slider"), pole_angle=joints("hinge"),
      pole_angular_velocity=rates("hinge")
      """,
    "Reacher-v5": """
      fingertip=d.body("fingertip").xpos[:2].copy(), target=d.body("target").xpos[:2].copy(),
      distance=-info["reward_dist"], joint_angles=joints("joint0", "joint1"), joint_velocities=rates("joint0", "joint1"),
      control_cost=-info["reward_ctrl"]
      """,
    "Walker2d-v5": """
      x_position=info["x_position"], x_velocity=info["x_velocity"], z_velocity=rates("rootz"),
      height=k.body("torso").xpos[2], torso_angle=joints("rooty"), torso_angular_velocity=rates("rooty"),
      joint_angles=joints("thigh_joint", "leg_joint", "foot_joint", "thigh_left_joint", "leg_left_joint", "foot_left_joint"),
      joint_velocities=rates("thigh_joint", "leg_joint", "foot_joint", "thigh_left_joint", "leg_left_joint", "foot_left_joint"),
      foot_heights=[k.geom("foot_geom").xpos[2], k.geom("foot_left_geom").xpos[2]],
      foot_contacts=[touches("foot_geom"), touches("foot_left_geom")],
      healthy=info["reward_survive"], control_cost=-info["reward_ctrl"]
      """,
    "Swimmer-v5": """
      x_position=info["x_position"], y_position=info["y_position"], x_velocity=info["x_velocity"],
      y_velocity=info["y_velocity"], distance_from_origin=info["distance_from_origin"], heading=joints("free_body_rot"),
      heading_rate=rates("free_body_rot"), joint_angles=joints("motor1_rot", "motor2_rot"),
      joint_velocities=rates("motor1_rot", "motor2_rot"), control_cost=-info["reward_ctrl"]
      """,
    "InvertedDoublePendulum-v5": """
      cart_position=joints("slider"), cart_velocity=rates("slider"), pole_angles=joints("hinge", "hinge2"),
      pole_angular_velocities=rates("hinge", "hinge2"), tip_x=d.site("tip").xpos[0], tip_height=d.site("tip").xpos[2],
      distance_penalty=-info["distance_penalty"], velocity_penalty=-info["velocity_penalty"]
      """,
    "Ant-v5": """
      x_position=info["x_position"], y_position=info["y_position"], z_velocity=d.joint("root").qvel[2],
      height=k.body("torso").xpos[2], orientation=k.body("torso").xquat.copy(), upright=k.body("torso").xmat[8],
      angular_velocity=d.joint("root").qvel[3:].copy(),
      x_velocity=info["x_velocity"], y_velocity=info["y_velocity"],
      joint_angles=joints("hip_1", "ankle_1", "hip_2", "ankle_2", "hip_3", "ankle_3", "hip_4", "ankle_4"),
      joint_velocities=rates("hip_1", "ankle_1", "hip_2", "ankle_2", "hip_3", "ankle_3", "hip_4", "ankle_4"),
      distance_from_origin=info["distance_from_origin"],
      foot_contacts=[touches(n + "_ankle_geom") for n in ("left", "right", "third", "fourth")],
      healthy=info["reward_survive"], control_cost=-info["reward_ctrl"], contact_cost=-info["reward_contact"]
      """,
    "Humanoid-v5": """
      x_position=info["x_position"], y_position=info["y_position"], z_velocity=d.joint("root").qvel[2],
      height=k.body("torso").xpos[2], orientation=k.body("torso").xquat.copy(), upright=k.body("torso").xmat[8],
      angular_velocity=d.joint("root").qvel[3:].copy(),
      x_velocity=info["x_velocity"], y_velocity=info["y_velocity"],
      joint_angles=joints(*human), joint_velocities=rates(*human), head_height=k.geom("head").xpos[2],
      foot_heights=[k.geom("right_foot").xpos[2], k.geom("left_foot").xpos[2]],
      foot_contacts=[touches("right_foot"), touches("left_foot")], control_cost=-info["reward_ctrl"],
      distance_from_origin=info["distance_from_origin"], healthy=info["reward_survive"] / 5,
      contact_cost=-info["reward_contact"]
      """,
    "HumanoidStandup-v5": """
      x_position=info["x_position"], y_position=info["y_position"], z_velocity=d.joint("root").qvel[2],
      height=k.body("torso").xpos[2], orientation=k.body("torso").xquat.copy(), upright=(k.geom("head").xpos[2] - k.body("torso").xpos[2]) / 0.15,
      angular_velocity=d.joint("root").qvel[3:].copy(),
      x_velocity=d.joint("root").qvel[0], y_velocity=d.joint("root").qvel[1],
      joint_angles=joints(*human), joint_velocities=rates(*human), head_height=k.geom("head").xpos[2],
      foot_heights=[k.geom("right_foot").xpos[2], k.geom("left_foot").xpos[2]],
      foot_contacts=[touches("right_foot"), touches("left_foot")], control_cost=-info["reward_quadctrl"],
      impact_cost=-info["reward_impact"]
      """,
    "Pusher-v5": """
      fingertip=d.body("tips_arm").xpos.copy(), object=d.body("object").xpos.copy(), goal=d.body("goal").xpos.copy(),
      fingertip_distance=-2 * info["reward_near"], goal_distance=-info["reward_dist"],
      joint_angles=[d.joint(i).qpos[0] for i in range(7)], joint_velocities=[d.joint(i).qvel[0] for i in range(7)],
      control_cost=-info["reward_ctrl"]
      """,
    "MountainCar-v0": """
      position=u.state[0], velocity=u.state[1], height=u._height(u.state[0]), goal_distance=max(0, 0.5 - u.state[0])
      """,
    "MountainCarContinuous-v0": """
      position=u.state[0], velocity=u.state[1], height=u._height(float(u.state[0])),
      goal_distance=max(0, 0.45 - float(u.state[0])), control_cost=0.1 * action[0] ** 2
      """,
    "FrozenLake-v1": frozenLake,
    "FrozenLake8x8-v1": frozenLake,
    "CliffWalking-v1": cliffWalking,
    "CliffWalkingSlippery-v1": cliffWalking,
    "Taxi-v4": """
      row=t[0], column=t[1], passenger_location=t[2], destination=t[3], in_taxi=float(t[2] == 4),
      delivered=float(reward == 20), illegal=float(reward == -10),
      next_stand_distance=np.abs(np.subtract(t[:2], u.locs[t[3] if t[2] == 4 else t[2]])).sum()
      """,
    "Acrobot-v1": """
      joint_angles=u.state[:2].copy(), joint_velocities=u.state[2:].copy(),
      tip_height=-np.cos(u.state[0]) - np.cos(u.state[0] + u.state[1])
      """,
  ]
}

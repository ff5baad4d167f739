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
    measure = eval("lambda k, info, action, reward: dict(" + q["body"] + ")")
    actions, out = [], {}
    env.reset(seed=11)
    for _ in range(300):
      if hasattr(space, "n"): action = rng.integers(space.n)
      else: action = rng.uniform(1.2 * np.float64(space.low), 1.2 * np.float64(space.high))
      obs, reward, terminated, truncated, info = env.step(action)
      k = None
      if d is not None:
        k = copy.copy(d)
        mujoco.mj_kinematics(u.model, k)
      actions.append(action)
      for name, value in measure(k, info, action, reward).items(): out.setdefault(name, []).append(value)
      if terminated or truncated: env.reset()
    encode = lambda x: base64.b64encode(np.ascontiguousarray(x, dtype="<f8").tobytes()).decode()
    print(json.dumps(dict(actions=encode(actions), quantities={n: encode(v) for n, v in out.items()})))
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
  ]
}

# fields: distance{0,1}, terminated{0,0}, obs[4]
# kind: fitness
def fitness(distance, obs, terminated):
    """The share of the last 25 steps with the fingertip on the target."""
    return (distance[-25:] < 0.3).mean() * 100 - terminated.any() * 10 + obs[:, 2].mean() + obs[-1, 0] * obs[0][1]

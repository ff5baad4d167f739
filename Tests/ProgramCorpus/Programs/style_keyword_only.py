# fields: distance{0,3}, speed, grasped{0,1}
import math

def shaped(distance, *, near=0.1, far=2.0):
    if distance <= near:
        return 1.0
    elif distance >= far:
        return 0.0
    return (far - distance) / (far - near)

def compute_reward(distance: float, speed: float, grasped: bool, *, weight: float = 2.0) -> float:
    base = shaped(distance, far=2.5)
    extra = weight * shaped(abs(speed), near=0.05, far=1.0) if grasped > 0.5 else 0.0
    return base + extra + math.exp(-distance)

# fields: values[6], threshold
def compute_reward(values, threshold):
    total = 0.0
    count = 0
    for i, value in enumerate(values):
        if value > 1.5:
            total += 10.0
            break
        if value < threshold:
            count += 1
            continue
        total += value * (i + 1)
        if total > 3:
            total = 3 + 0.1 * (total - 3)
    else:
        total -= 1.0
    best = None
    for value in values:
        if best is None or value > best:
            best = value
    found = -1
    for i in range(len(values)):
        if values[i] > 0 and found == -1:
            found = i
    return total + 0.5 * count + best + found

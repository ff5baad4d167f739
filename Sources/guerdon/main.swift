print("guerdon")

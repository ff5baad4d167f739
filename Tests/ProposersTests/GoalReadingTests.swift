import Schemas
import Testing

@testable import Proposers

/// What is read out of goals and of fields' meanings, beside what a person reads there.
@Suite struct GoalReadingTests {
  private func quantities(_ goal: String) -> [String] {
    GoalReading(goal).quantities.map { "\($0.isTolerance ? "±" : "")\($0.value) \($0.unit)" }
  }

  @Test(arguments: [
    ("half a metre to the right, and stay within ten centimetres", ["0.5 m", "±0.1 m"]),
    ("hold it 20 cm to the right, less than 5mm off", ["0.2 m", "±0.005 m"]),
    ("one metre a second; then 2 m/s, then three metres per second", ["1.0 m/s", "2.0 m/s", "3.0 m/s"]),
    ("heading near 1.57 radians in the second half of the episode", ["1.57 rad"]),
    ("an angle near zero, position -0.45 and not 0.45", ["0.0 ", "-0.45 ", "0.45 "]),
    ("balance two poles on the first half", []), ("walk 3-4 steps", ["3.0 ", "4.0 "]), ("in 10 s", ["10.0 s"]),
  ])
  func numbersComeWithTheirUnits(goal: String, expected: [String]) {
    #expect(quantities(goal) == expected)
  }

  @Test func anglesBecomeRadians() throws {
    let turn = try #require(GoalReading("turn by a quarter turn").quantities.first)
    let degrees = try #require(GoalReading("turn by 90°").quantities.first)
    #expect(turn.unit == "rad" && abs(turn.value - .pi / 2) < 1e-12)
    #expect(degrees.unit == "rad" && abs(degrees.value - .pi / 2) < 1e-12)
  }

  @Test func wordsAfterANegationAreAvoided() {
    let reading = GoalReading("Cross the bridges without falling, and open the door; never touch wet paint but look.")
    #expect(reading.avoided == Set(["falling", "touch", "wet", "paint"].map(GoalReading.stem)))
    #expect(reading.wanted == Set(["cross", "bridge", "open", "door", "look"].map(GoalReading.stem)))
  }

  @Test func formsOfOneWordAreOne() {
    for (a, b) in [("poles", "pole"), ("picked", "pick"), ("running", "run"), ("fallen", "falling"), ("balancing", "balance")] {
      #expect(GoalReading.stem(a) == GoalReading.stem(b), "\(a)")
    }
    #expect(GoalReading.stem("door") != GoalReading.stem("floor"))
  }

  @Test func numbersThatAMeaningExplains() {
    let upright = GoalReading("Swing it upright and keep it there.")
    #expect(upright.explained(in: "Angle from upright, wrapped: 0 upright, ±π hanging down.") == [0])
    #expect(upright.explained(in: "Tilt: beyond 0.2 upright no more") == [])
    #expect(GoalReading("both poles").explained(in: "Height: 1.2 when both poles stand, 1 or less has fallen.") == [1.2])
    #expect(GoalReading("reach the goal, no lava").explained(in: "2 wall, 8 goal, 9 lava") == [8])
  }

  // MARK: Priors

  private func prior(_ field: Field, goal: String, kind: Feature.Kind = .component(0)) throws -> FeaturePrior {
    let schema = Schema(environment: "Test", fields: [field])
    let feature = try #require(Feature.all(of: schema).first { $0.field == field.name && $0.kind == kind })
    return FeaturePrior(feature, goal: GoalReading(goal), schema: schema)
  }

  @Test func numbersGoToTheFieldsOfTheirUnit() throws {
    let goal = "Bring the cart half a metre to the right at 2 m/s, within ten centimetres."
    let position = try prior(Field("cart_position", unit: "m", meaning: "where the cart is"), goal: goal)
    #expect(position.magnitudes == [0.5] && position.tolerances == [0.1] && position.mentions == 1)
    #expect(position.upward > 0.5)
    #expect(try prior(Field("cart_speed", unit: "m/s", meaning: "speed"), goal: goal).magnitudes == [2])
    #expect(try prior(Field("tilt", unit: "rad", meaning: "tilt"), goal: goal).magnitudes == [])
    // Out of the field's range on either side.
    #expect(try prior(Field("gap", unit: "m", low: 0, high: 0.4, meaning: "gap"), goal: goal).magnitudes == [])
    // A bare number is for what is named before it.
    #expect(try prior(Field("place", meaning: "place"), goal: "a place of 0.45").magnitudes == [0.45])
    #expect(try prior(Field("colour", meaning: "colour"), goal: "a place of 0.45").magnitudes == [])
    #expect(try prior(Field("colour", meaning: "colour"), goal: "colour; a place of 0.45").magnitudes == [])
  }

  @Test func whatAFieldExplainsGoesBeforeWhatFitsItsUnit() throws {
    let goal = "Balance both poles with their tip 20 cm to the right."
    let height = try prior(Field("tip_height", unit: "m", meaning: "Height of the tip: 1.2 when both poles stand."), goal: goal)
    #expect(height.places == [1.2] && height.magnitudes == [])
    let side = try prior(Field("tip_x", unit: "m", meaning: "Horizontal position of the tip."), goal: goal)
    #expect(side.places == [] && side.magnitudes == [0.2])
    // A cost's meaning is a formula, and no place to be.
    let cost = try prior(Field("penalty", low: 0, meaning: "0.01 tip squared"), goal: goal)
    #expect(!cost.isWanted && cost.upward < 0.5)
  }

  @Test func directionsAreReadFromTheMeaning() throws {
    let sideways = Field("y_velocity", unit: "m/s", meaning: "Velocity, to the left positive.")
    #expect(try prior(sideways, goal: "go left").upward > 0.5)
    #expect(try prior(sideways, goal: "go right").upward < 0.5)
    #expect(try prior(sideways, goal: "go up").upward == 0.5)
    #expect(try prior(Field("y_velocity", unit: "m/s", meaning: "v"), goal: "along negative y").upward < 0.5)
    #expect(try prior(Field("x_velocity", unit: "m/s", meaning: "Forward velocity"), goal: "run backwards").upward < 0.5)
  }

  @Test func rolesAreReadFromTheWords() throws {
    let goal = "Step onto the goal; never step into lava."
    #expect(try prior(Field("in_lava", low: 0, high: 1, meaning: "1 in lava"), goal: goal).isAvoided)
    let success = try prior(Field("success", low: 0, high: 1, meaning: "1 if fulfilled"), goal: goal)
    #expect(success.isSuccess && success.upward > 0.9 && !success.isAvoided)
    let distance = try prior(Field("goal_distance", unit: "m", low: 0, high: 9, meaning: "how far"), goal: goal)
    #expect(distance.isDistance && distance.mentions == 1 && distance.upward < 0.5)
    #expect(try prior(Field("control_cost", low: 0, meaning: "cost"), goal: goal).upward < 0.5)
  }
}

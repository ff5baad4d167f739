// swift-tools-version: 6.1
import PackageDescription

// What `make setup` fetched: `.deps/torch`, `.deps/mujoco` and `.deps/highs` point into the pinned wheels.
let dependencies: String = Context.packageDirectory + "/.deps"
let torch: String = Context.environment["GUERDON_TORCH"] ?? dependencies + "/torch"
let mujoco: String = Context.environment["GUERDON_MUJOCO"] ?? dependencies + "/mujoco"
let highs: String = Context.environment["GUERDON_HIGHS"] ?? dependencies + "/highs"

// AVX2 and FMA are assumed on x86 (every such processor since 2013); GUERDON_MARCH says otherwise.
#if arch(x86_64)
let march: String? = Context.environment["GUERDON_MARCH"] ?? "x86-64-v3"
#else
let march: String? = Context.environment["GUERDON_MARCH"]
#endif
// Without C's errno a square root is one instruction, and a loop over it SIMD code.
let tuned: [SwiftSetting] = [
  .unsafeFlags((march.map { ["-Xcc", "-march=\($0)"] } ?? []) + ["-Xcc", "-fno-math-errno"])
]

let torchLinking: [LinkerSetting] = [
  .unsafeFlags(["-L\(torch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(torch)/lib"]),
  .linkedLibrary("torch"), .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
]
let mujocoHeaders: [String] = ["-I\(mujoco)/include"]
let mujocoLinking: [LinkerSetting] = [
  .unsafeFlags(["-L\(mujoco)", "-Xlinker", "-rpath", "-Xlinker", mujoco]),
  .linkedLibrary("mujoco"),
]
// Debian keeps HDF5's serial build beside others, in folders of their own.
#if os(Linux)
let hdf5Headers: [CSetting] = [.unsafeFlags(["-I/usr/include/hdf5/serial"])]
let hdf5Linking: [LinkerSetting] = [.linkedLibrary("hdf5_serial")]
#else
let hdf5Headers: [CSetting] = []
let hdf5Linking: [LinkerSetting] = [.linkedLibrary("hdf5")]
#endif
let mujocoSwift: [SwiftSetting] = [.unsafeFlags(["-Xcc", mujocoHeaders[0]])]
let highsLinking: [LinkerSetting] = [
  .unsafeFlags(["-L\(highs)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(highs)/lib"]),
  .linkedLibrary("highs"),
]

/// One room of the house. Imports point only down `docs/house.md`'s list, and these lists enforce it.
func room(
  _ name: String, _ below: [Target.Dependency] = [], swift: [SwiftSetting] = [], resources: [Resource] = []
) -> Target {
  .target(name: name, dependencies: below, resources: resources, swiftSettings: tuned + swift)
}
func tests(_ name: String, _ below: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(name: name + "Tests", dependencies: [.byName(name: name)] + below + ["TestSupport"],
              resources: resources, swiftSettings: tuned + mujocoSwift)
}

let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let sqlite: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let http: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let web: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "Guerdon",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "guerdon", targets: ["guerdon"]),
    .library(name: "guerdon_reward", type: .dynamic, targets: ["RewardLibrary"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
  ],
  targets: [
    // Ground: numbers and physics.
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    room("Basics", ["CZlib"]),
    .target(
      name: "CTorch",
      cxxSettings: [.unsafeFlags(["-I\(torch)/include", "-I\(torch)/include/torch/csrc/api/include"])],
      linkerSettings: torchLinking),
    room("Torch", ["CTorch", "Basics"]),
    .target(name: "CMuJoCo", cSettings: [.unsafeFlags(mujocoHeaders)], linkerSettings: mujocoLinking),
    .target(name: "CHDF5", cSettings: hdf5Headers, linkerSettings: hdf5Linking),
    .target(name: "CHiGHS", cSettings: [.unsafeFlags(["-I\(highs)/include"])], linkerSettings: highsLinking),

    // Materials: the nouns.
    room("FiniteMDPs", ["Basics", "CHiGHS"]),
    room("Schemas"),
    room(
      "Environments", ["Basics", "Schemas", "FiniteMDPs", "CMuJoCo", "CZlib", yams], swift: mujocoSwift,
      resources: [.embedInCode("Bridge/bridge_worker.py")]),
    room("Episodes", ["Basics", "Schemas", "Environments", "CHDF5"], swift: mujocoSwift),
    room("RewardPrograms", ["Basics", "Schemas"]),
    room("DifferentiableRewards", ["Basics", "Schemas", "RewardPrograms", "Torch"]),
    room("Rewards", ["Basics", "Schemas", "Environments", "RewardPrograms"], swift: mujocoSwift),
    room("Experiments", ["Basics", sqlite]),

    // Workshops: what two or more methods share.
    room("Agents", ["Basics", "Torch", "Environments", "Rewards"], swift: mujocoSwift),
    room("Endpoints", ["Basics", http]),
    room(
      "Proposers", ["Basics", "Schemas", "RewardPrograms", "Endpoints"],
      resources: ["system", "language", "task", "reflection", "person", "mending"].map { .embedInCode("Prompts/\($0).txt") }),
    room(
      "RewardAudit", ["Basics", "Schemas", "RewardPrograms", "Experiments", "FiniteMDPs", "Environments", "Rewards", "Agents"],
      swift: mujocoSwift),
    room(
      "RewardDesign",
      ["Basics", "Schemas", "Environments", "Rewards", "RewardPrograms", "Experiments", "Agents", "Proposers",
       "RewardAudit", yams], swift: mujocoSwift, resources: [.embedInCode("Cluster/cluster_driver.py")]),

    // Methods: one target per family.
    room(
      "GeneratedRewards",
      ["Basics", "Schemas", "Environments", "Rewards", "RewardPrograms", "Experiments", "Agents", "Torch", "Endpoints",
       "Proposers", "RewardDesign"], swift: mujocoSwift),
    room(
      "RewardTheory",
      ["Basics", "Experiments", "FiniteMDPs", "Environments", "Rewards", "RewardPrograms", "Torch", "Agents", "RewardAudit"],
      swift: mujocoSwift),
    room("ShapedRewards", ["Basics", "Experiments", "FiniteMDPs", "Agents"], swift: mujocoSwift),
    room("Decisions", ["Basics", "Experiments", "FiniteMDPs"]),

    // Doors.
    room(
      "Studio", ["Basics", "Experiments", "Proposers", "RewardAudit", "RewardDesign", web], swift: mujocoSwift,
      resources: ["page.html", "page.js", "player.js", "sheet.js", "style.css"].map { .embedInCode("Page/\($0)") }),
    .executableTarget(
      name: "guerdon",
      dependencies: ["GeneratedRewards", "RewardTheory", "ShapedRewards", "Decisions", "RewardDesign", "RewardAudit",
                     "Studio", "Proposers", "Endpoints", "Agents", "Experiments", "Rewards", "DifferentiableRewards", "RewardPrograms",
                     "Environments", "FiniteMDPs", "Schemas", "Torch", "Basics", argumentParser],
      swiftSettings: tuned + mujocoSwift),

    // The C library that the Python package loads.
    .target(name: "CRewardLibrary"),
    room("RewardLibrary", ["CRewardLibrary", "Basics", "Schemas", "RewardPrograms"]),

    // Benchmarks: ours and the peer in turn.
    .target(
      name: "CStepLoop", path: "Benchmarks/CStepLoop", cSettings: [.unsafeFlags(mujocoHeaders)],
      linkerSettings: mujocoLinking),
    .executableTarget(
      name: "guerdon-bench",
      dependencies: ["Basics", "Schemas", "Torch", "Environments", "FiniteMDPs", "Experiments", "Agents", "RewardPrograms",
                     "Proposers", "RewardDesign", "RewardTheory", "RewardAudit", "Decisions", "CHiGHS", "CStepLoop", argumentParser],
      path: "Benchmarks/guerdon-bench", swiftSettings: tuned + mujocoSwift),

    // Tests.
    .target(
      name: "TestSupport", dependencies: ["Basics"], path: "Tests/TestSupport",
      resources: [.embedInCode("chat_server.py")]),
    .target(
      name: "ProgramCorpus", dependencies: ["Basics", "Schemas", "RewardPrograms", "TestSupport"],
      path: "Tests/ProgramCorpus", resources: [.copy("Programs")]),
    .executableTarget(
      name: "guerdon-fuzz", dependencies: ["ProgramCorpus", argumentParser], path: "Benchmarks/guerdon-fuzz"),
    tests("Basics", []),
    tests("Endpoints", ["Basics"]),
    tests("Studio", ["Basics", "Proposers", "RewardAudit", "RewardDesign", http], resources: [.copy("Python")]),
    tests("Proposers", ["Endpoints", "Schemas", "RewardPrograms", "Basics"], resources: [.embedInCode("tiny_llama.py")]),
    tests(
      "RewardAudit",
      ["Schemas", "RewardPrograms", "Basics", "Environments", "FiniteMDPs", "Rewards", "Experiments", "Agents", "Torch"]),
    tests("Environments", ["Basics", "Schemas", "FiniteMDPs"], resources: [.copy("Python")]),
    tests("Episodes", ["Basics", "Schemas", "Environments"]),
    tests("Agents", ["Basics", "Schemas", "Environments", "Rewards", "Torch"]),
    tests("DifferentiableRewards", ["Basics", "Schemas", "RewardPrograms", "Torch", "ProgramCorpus"]),
    tests("Experiments", ["Basics"]),
    tests("FiniteMDPs", ["Basics"]),
    tests(
      "GeneratedRewards",
      ["Basics", "Schemas", "Environments", "Rewards", "Experiments", "Agents", "Torch", "Endpoints", "Proposers",
       "RewardPrograms", "RewardDesign"]),
    tests(
      "RewardTheory",
      ["Basics", "Experiments", "FiniteMDPs", "Environments", "Rewards", "RewardPrograms", "Agents", "RewardAudit"]),
    tests("ShapedRewards", ["Basics", "Experiments", "FiniteMDPs", "Agents"]),
    tests("Decisions", ["Basics", "Experiments", "FiniteMDPs"]),
    tests("RewardDesign", ["Basics", "Environments", "Proposers", "RewardPrograms"]),
    tests("RewardPrograms", ["Basics", "Schemas", "ProgramCorpus"]),
    tests("RewardLibrary", ["Basics"]),
    tests("Torch", ["Basics"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx20
)

// To work in one room without building the house: GUERDON_ROOM=Torch leaves only that room, its tests, and what they need.
// Several are separated by commas.
if let rooms = Context.environment["GUERDON_ROOM"], !rooms.isEmpty {
  var kept: Set<String> = []
  var open: [String] = rooms.split(separator: ",").flatMap { room in [String(room), room + "Tests"] }
  while let name: String = open.popLast() {
    guard kept.insert(name).inserted, let target = package.targets.first(where: { $0.name == name }) else { continue }
    for dependency: Target.Dependency in target.dependencies {
      switch dependency {
      case .byNameItem(let below, _), .targetItem(let below, _): open.append(below)
      default: break
      }
    }
  }
  package.targets.removeAll { !kept.contains($0.name) }
  package.products.removeAll { product in
    !kept.contains(product.name) && !(product.name == "guerdon_reward" && kept.contains("RewardLibrary"))
  }
}

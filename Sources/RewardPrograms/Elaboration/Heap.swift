/// What can change while a program runs: arrays, lists, dictionaries and the variables of frames.
///
/// Branches are run one after the other on the same heap: `beginBranch`, run, `endBranch` puts everything back and says
/// what the branch wrote, so that the two can be merged.
struct Heap {
  enum Cell {
    case array([Node])
    case list([Value])
    case dictionary(OrderedDictionary)
    case frame(Frame)
  }

  struct Frame {
    var variables: [String: Value] = [:]
    /// The frame in which the function was defined.
    var parent: Int?
  }

  private var cells: [Cell] = []
  private var branches: [[Int: Cell]] = []

  var count: Int { cells.count }
  subscript(id: Int) -> Cell { cells[id] }

  mutating func add(_ cell: Cell) -> Int {
    cells.append(cell)
    return cells.count - 1
  }

  mutating func write(_ id: Int, _ cell: Cell) {
    if !branches.isEmpty, branches[branches.count - 1][id] == nil { branches[branches.count - 1][id] = cells[id] }
    cells[id] = cell
  }

  mutating func beginBranch() { branches.append([:]) }

  /// Undoes the writes since the matching `beginBranch`, and returns what was undone.
  mutating func endBranch() -> [Int: Cell] {
    guard let saved = branches.popLast() else { return [:] }
    var written: [Int: Cell] = [:]
    for (id, cell) in saved {
      written[id] = cells[id]
      cells[id] = cell
    }
    return written
  }

  // MARK: Typed access; an id of another kind reads as empty.

  func list(_ id: Int) -> [Value] { if case .list(let values) = cells[id] { values } else { [] } }
  func dictionary(_ id: Int) -> OrderedDictionary {
    if case .dictionary(let entries) = cells[id] { entries } else { OrderedDictionary() }
  }
  func frame(_ id: Int) -> Frame { if case .frame(let frame) = cells[id] { frame } else { Frame() } }
  func array(_ id: Int) -> [Node] { if case .array(let nodes) = cells[id] { nodes } else { [] } }

  mutating func define(_ name: String, _ value: Value, in id: Int) {
    var frame = frame(id)
    // The cell gives up its copy, so that the dictionary is written in place.
    if branches.isEmpty || branches[branches.count - 1][id] != nil { cells[id] = .frame(Frame()) }
    frame.variables[name] = value
    write(id, .frame(frame))
  }
}

/// A dictionary that remembers the order of its keys, as Python's does.
struct OrderedDictionary {
  enum Key: Hashable {
    case string(String)
    case int(Int)

    var text: String {
      switch self {
      case .string(let text): text
      case .int(let value): String(value)
      }
    }
  }

  private(set) var keys: [Key] = []
  private var values: [Key: Value] = [:]

  subscript(key: Key) -> Value? {
    get { values[key] }
    set {
      if let newValue {
        if values.updateValue(newValue, forKey: key) == nil { keys.append(key) }
      } else if values.removeValue(forKey: key) != nil {
        keys.removeAll { $0 == key }
      }
    }
  }

  var entries: [(key: Key, value: Value)] { keys.compactMap { key in values[key].map { (key, $0) } } }
}

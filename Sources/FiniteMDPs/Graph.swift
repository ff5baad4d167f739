/// A directed graph over 0 ..< count, its edges in compressed rows.
public struct DirectedGraph: Sendable, Hashable {
  public let count: Int
  private let starts: [Int]
  private let targets: [Int32]

  public init(count: Int, successors: (Int) -> [Int]) {
    var starts: [Int] = [0], targets: [Int32] = []
    for node in 0..<count {
      targets += successors(node).map { Int32($0) }
      starts.append(targets.count)
    }
    self.count = count
    self.starts = starts
    self.targets = targets
  }

  public func successors(of node: Int) -> ArraySlice<Int32> { targets[starts[node]..<starts[node + 1]] }

  /// The same edges the other way round.
  public var reversed: DirectedGraph {
    var sources = [[Int]](repeating: [], count: count)
    for node in 0..<count { for target in successors(of: node) { sources[Int(target)].append(node) } }
    return DirectedGraph(count: count) { sources[$0] }
  }

  /// True for `nodes` and whatever a path leads to from them, [count].
  public func reachable(from nodes: some Sequence<Int>) -> [Bool] { distances(from: nodes).map { $0 < .max } }

  /// Edges on a shortest path from the nearest of `nodes`, [count]; `Int.max` where there is no path.
  public func distances(from nodes: some Sequence<Int>) -> [Int] {
    var distances = [Int](repeating: .max, count: count)
    var queue = Array(nodes)
    for node in queue { distances[node] = 0 }
    var head = 0
    while head < queue.count {
      let node = queue[head]
      head += 1
      for target in successors(of: node) where distances[Int(target)] == .max {
        distances[Int(target)] = distances[node] + 1
        queue.append(Int(target))
      }
    }
    return distances
  }

  /// The strongly connected components, each ascending; a component stands behind those that it leads to.
  ///
  /// Source: R. Tarjan, "Depth-First Search and Linear Graph Algorithms", 1972, without recursion.
  public var stronglyConnectedComponents: [[Int]] {
    var components: [[Int]] = []
    var index = [Int](repeating: -1, count: count), low = index, next = starts
    var isOpen = [Bool](repeating: false, count: count)
    var path: [Int] = [], open: [Int] = [], counter = 0
    for root in 0..<count where index[root] < 0 {
      path.append(root)
      while let node = path.last {
        if index[node] < 0 {
          index[node] = counter
          low[node] = counter
          counter += 1
          open.append(node)
          isOpen[node] = true
        }
        if next[node] < starts[node + 1] {
          let target = Int(targets[next[node]])
          next[node] += 1
          if index[target] < 0 {
            path.append(target)
          } else if isOpen[target] {
            low[node] = min(low[node], index[target])
          }
          continue
        }
        path.removeLast()
        if let parent = path.last { low[parent] = min(low[parent], low[node]) }
        guard low[node] == index[node] else { continue }
        var component: [Int] = []
        while let member = open.popLast() {
          isOpen[member] = false
          component.append(member)
          if member == node { break }
        }
        components.append(component.sorted())
      }
    }
    return components
  }
}

extension FiniteMDP {
  /// Which states may follow which under some action; terminal states lead nowhere.
  public var graph: DirectedGraph {
    graph { _, _ in true }
  }

  /// Which states may follow which under the policy.
  public func graph(under policy: TabularPolicy) -> DirectedGraph { graph { policy[$0, $1] > 0 } }

  private func graph(where isTaken: (Int, Int) -> Bool) -> DirectedGraph {
    var seen = [Int](repeating: -1, count: stateCount)
    return DirectedGraph(count: stateCount) { s in
      var successors: [Int] = []
      guard !isTerminal[s] else { return successors }
      for a in 0..<actionCount where isTaken(s, a) {
        transitions.forEachSuccessor(ofRow: s * actionCount + a) { next, _ in
          if seen[next] != s {
            seen[next] = s
            successors.append(next)
          }
        }
      }
      return successors
    }
  }

  /// True for states that some policy reaches from the initial distribution, [S].
  public var isReachable: [Bool] { graph.reachable(from: initial.indices.filter { initial[$0] > 0 }) }
}

import Basics

/// A formula of linear temporal logic over the labels of transitions: position t of a word is the t-th transition's set
/// of labels, a set of bits.
///
/// Probabilities are computed for Boolean combinations of X^k p, F p, G p, p U q, GF p and FG p with p, q propositional,
/// each of which a deterministic automaton of at most k + 3 states decides.
public indirect enum TemporalFormula: Sendable, Hashable {
  case label(Int)
  case not(TemporalFormula)
  case and(TemporalFormula, TemporalFormula)
  case or(TemporalFormula, TemporalFormula)
  case next(TemporalFormula)
  case eventually(TemporalFormula)
  case always(TemporalFormula)
  case until(TemporalFormula, TemporalFormula)

  /// Whether the word `labels[0] … labels[n-1] tail tail …` satisfies the formula, by the semantics of the logic.
  public func holds(on labels: [UInt64], tail: UInt64, at position: Int = 0) -> Bool {
    let last = labels.count
    let here = min(position, last)
    switch self {
    case .label(let bit): return (here < last ? labels[here] : tail) & (1 << UInt64(bit)) != 0
    case .not(let p): return !p.holds(on: labels, tail: tail, at: here)
    case .and(let p, let q): return p.holds(on: labels, tail: tail, at: here) && q.holds(on: labels, tail: tail, at: here)
    case .or(let p, let q): return p.holds(on: labels, tail: tail, at: here) || q.holds(on: labels, tail: tail, at: here)
    case .next(let p): return p.holds(on: labels, tail: tail, at: here + 1)
    // From the last position on every suffix is the same word.
    case .eventually(let p): return (here...last).contains { p.holds(on: labels, tail: tail, at: $0) }
    case .always(let p): return (here...last).allSatisfy { p.holds(on: labels, tail: tail, at: $0) }
    case .until(let p, let q):
      for position in here...last {
        if q.holds(on: labels, tail: tail, at: position) { return true }
        if !p.holds(on: labels, tail: tail, at: position) { return false }
      }
      return false
    }
  }

  var isPropositional: Bool {
    switch self {
    case .label: true
    case .not(let p): p.isPropositional
    case .and(let p, let q), .or(let p, let q): p.isPropositional && q.isPropositional
    default: false
    }
  }
}

extension TemporalFormula {
  /// A temporal operator over propositions, and the automaton that follows it.
  private enum Atom: Sendable {
    case delayed(Int, TemporalFormula)
    case eventually(TemporalFormula)
    case always(TemporalFormula)
    case until(TemporalFormula, TemporalFormula)
    case infinitelyOften(TemporalFormula)
    case finallyAlways(TemporalFormula)

    /// The automaton's states: -1 decided false, -2 decided true, else waiting (a count for `delayed`).
    var start: Int { if case .delayed(let steps, _) = self { steps } else { 0 } }

    func step(_ state: Int, _ labels: UInt64) -> Int {
      if state < 0 { return state }
      func holds(_ p: TemporalFormula) -> Bool { p.holds(on: [], tail: labels) }
      switch self {
      case .delayed(_, let p): return state > 0 ? state - 1 : holds(p) ? -2 : -1
      case .eventually(let p): return holds(p) ? -2 : 0
      case .always(let p): return holds(p) ? 0 : -1
      case .until(let p, let q): return holds(q) ? -2 : holds(p) ? 0 : -1
      case .infinitelyOften, .finallyAlways: return 0
      }
    }

    /// The verdict in a recurrent class that visits transitions with these labels for ever, in this state.
    func verdict(_ state: Int, visiting labels: [UInt64]) -> Bool {
      if state < 0 { return state == -2 }
      switch self {
      case .delayed, .eventually, .until: return false
      case .always: return true
      case .infinitelyOften(let p): return labels.contains { p.holds(on: [], tail: $0) }
      case .finallyAlways(let p): return labels.allSatisfy { p.holds(on: [], tail: $0) }
      }
    }
  }

  /// A Boolean combination of atoms.
  private indirect enum Tree: Sendable {
    case atom(Int)
    case not(Tree)
    case and(Tree, Tree)
    case or(Tree, Tree)

    func value(_ atoms: [Bool]) -> Bool {
      switch self {
      case .atom(let k): atoms[k]
      case .not(let p): !p.value(atoms)
      case .and(let p, let q): p.value(atoms) && q.value(atoms)
      case .or(let p, let q): p.value(atoms) || q.value(atoms)
      }
    }
  }

  private func split(into atoms: inout [Atom], delay: Int = 0) throws -> Tree {
    func leaf(_ atom: Atom) -> Tree {
      atoms.append(atom)
      return .atom(atoms.count - 1)
    }
    if isPropositional { return leaf(.delayed(delay, self)) }
    switch self {
    case .not(let p): return .not(try p.split(into: &atoms, delay: delay))
    case .and(let p, let q): return .and(try p.split(into: &atoms, delay: delay), try q.split(into: &atoms, delay: delay))
    case .or(let p, let q): return .or(try p.split(into: &atoms, delay: delay), try q.split(into: &atoms, delay: delay))
    case .next(let p): return try p.split(into: &atoms, delay: delay + 1)
    // A tail's property does not care for a delay.
    case .always(.eventually(let p)) where p.isPropositional: return leaf(.infinitelyOften(p))
    case .eventually(.always(let p)) where p.isPropositional: return leaf(.finallyAlways(p))
    case .eventually(let p) where p.isPropositional && delay == 0: return leaf(.eventually(p))
    case .always(let p) where p.isPropositional && delay == 0: return leaf(.always(p))
    case .until(let p, let q) where p.isPropositional && q.isPropositional && delay == 0: return leaf(.until(p, q))
    default:
      throw GuerdonError.usage(
        "The probability of this formula is not computed: only Boolean combinations of X p, F p, G p, p U q, GF p and "
          + "FG p over propositions are.")
    }
  }

  /// A deterministic automaton that reads labels, and says at the end of each word whether it was accepted.
  struct Automaton: Sendable {
    private let atoms: [Atom]
    private let tree: Tree
    let start: [Int]

    /// - Throws: `GuerdonError` for a formula outside the fragment.
    init(_ formula: TemporalFormula) throws {
      var atoms: [Atom] = []
      let tree = try formula.split(into: &atoms)
      self.atoms = atoms
      self.tree = tree
      start = atoms.map(\.start)
    }

    func step(_ state: [Int], _ labels: UInt64) -> [Int] { zip(atoms, state).map { $0.step($1, labels) } }

    /// Whether a word that stays in `state` and has all of `labels` infinitely often, and no others, is accepted.
    func accepts(_ state: [Int], visiting labels: [UInt64]) -> Bool {
      tree.value(zip(atoms, state).map { $0.verdict($1, visiting: labels) })
    }
  }
}

import ArgumentParser
import Basics
import Foundation
import RewardTheory

/// What ways of writing an objective can say.
struct Expressible: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say whether a formalism can express an order of policies, and prove it where it cannot.",
    discussion: """
      An environment is a JSON file: {"states": [{"name": "first", "actions": [{"name": "left", "to": {"second": 1}}, …]}, \
      …], "initial": {"first": 1}}, or one of the witnesses W1 to W9. An order is another: {"policies": [{"name": "x", \
      "probabilities": {"first": {"left": 1}}}, …], "order": [["best", "as good"], ["worse"]]}. States with one action \
      need no probabilities.

        guerdon expressible --formalism MR --env Tasks/orders/two-turns.json --order Tasks/orders/same-twice.json
        guerdon expressible witness W2
        guerdon expressible hasse --svg hasse.svg

      Exits with 2 where the formalism cannot express the order.
      """,
    subcommands: [ExpressibleDecide.self, ExpressibleWitness.self, ExpressibleHasse.self],
    defaultSubcommand: ExpressibleDecide.self)

  /// - Throws: `GuerdonError` naming the formalisms there are.
  static func formalism(_ name: String) throws -> Formalism {
    guard let found = Formalism.allCases.first(where: { $0.rawValue == name.uppercased() }) else {
      let names = Formalism.allCases.map(\.rawValue)
      throw GuerdonError.usage(
        "There is no formalism \"\(name)\"; there are \(names.joined(separator: ", "))." + suggestion(for: name, among: names))
    }
    return found
  }

  /// - Throws: `GuerdonError` for an identifier that there is not.
  static func witness(_ id: String) throws -> Witness {
    let all = try Witness.all()
    guard let found = all.first(where: { $0.id == id.uppercased() }) else {
      throw GuerdonError.usage("There is no witness \"\(id)\"; there are \(all.map(\.id).joined(separator: ", ")).")
    }
    return found
  }
}

struct ExpressibleDecide: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decide", abstract: "Decide whether a formalism can order policies in a given way (the default).")

  @Option(help: "MR, LAR, LTL, RM, INMR, IMORL, FTR, RRL, ONMR, OMORL, FOMR, FTLR, FPR, GOMORL, OMO, TLO or PO; all if not given.")
  var formalism: String?
  @Option(name: [.customLong("env"), .customLong("environment")], help: "The environment, a JSON file, or W1 to W9.")
  var environment: String
  @Option(help: "The order of policies, a JSON file; a witness's own order if not given.") var order: String?
  @Option(help: "The discounts that an objective may have, separated by commas.") var discounts: String?
  @Flag(help: "Print one JSON object, with certificates.") var json = false

  func run() throws {
    let formalisms = try formalism.map { [try Expressible.formalism($0)] } ?? Formalism.allCases
    let witness = try? Expressible.witness(environment)
    let environment = try witness?.environment
      ?? Files.readJSON(ExpressivityEnvironment.self, from: URL(fileURLWithPath: self.environment))
    let order: PolicyOrder, names: [String]
    if let path = self.order {
      let document = try Files.readJSON(OrderDocument.self, from: URL(fileURLWithPath: path))
      order = try document.order(in: environment)
      names = document.policies.map(\.name)
    } else if let witness {
      order = witness.coarse
      names = order.policies.indices.map { "policy \($0)" }
    } else {
      throw GuerdonError.usage("Say which order of policies is meant: --order FILE.")
    }
    let discounts = try self.discounts.map { text in
      try text.split(separator: ",").map { part -> Double in
        guard let value = Double(part.trimmingCharacters(in: .whitespaces)) else {
          throw GuerdonError.usage("--discounts takes numbers separated by commas, not \"\(part)\".")
        }
        return value
      }
    }
    let verdicts = try formalisms.map {
      try environment.decide($0, order, discounts: discounts ?? ExpressivityEnvironment.discounts)
    }
    let isRefuted = formalism != nil && verdicts.contains { $0.isExpressible == false }
    if json {
      try printJSON(Decided(environment: environment.name, policies: names, verdicts: verdicts))
    } else {
      for verdict in verdicts { show(verdict, names) }
    }
    if isRefuted { throw ExitCode(2) }
  }

  private func show(_ verdict: ExpressivityVerdict, _ names: [String]) {
    let answer = verdict.isExpressible.map { $0 ? "expresses it" : "cannot express it" } ?? "is undecided"
    let discount = verdict.discount.map { String(format: ", at the discount %.4g", $0) } ?? ""
    print("\(verdict.formalism.rawValue) (\(verdict.formalism.title)) \(answer): \(verdict.reason)\(discount).")
    guard formalism != nil else { return }
    if let parameters = verdict.parameters {
      print("  found: " + parameters.map { String(format: "%.4g", $0) }.joined(separator: " "))
    }
    for certificate in verdict.certificates {
      let scope = certificate.coversEveryDiscount
        ? "at every discount (verified at \(certificate.discounts.count))"
        : certificate.discounts.isEmpty ? "" : "at the discount \(certificate.discounts.map { "\($0)" }.joined(separator: ", "))"
      print("  certificate \(scope), residual \(String(format: "%.1e", certificate.residual)):")
      for entry in certificate.entries {
        print(
          String(format: "    %+.4f × [", entry.weight)
            + "(\(names[entry.better])) - (\(names[entry.worse]))], which must be \(entry.isStrict ? "above 0" : "0")")
      }
    }
  }

  private struct Decided: Encodable {
    var environment: String
    var policies: [String]
    var verdicts: [ExpressivityVerdict]
  }
}

struct ExpressibleWitness: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "witness", abstract: "Check the tasks that separate formalisms.")

  @Argument(help: "W1 to W9; all if none is given.") var ids: [String] = []
  @Flag(help: "Print one JSON object, with certificates.") var json = false

  func run() throws {
    let witnesses = try ids.isEmpty ? Witness.all() : ids.map(Expressible.witness)
    let reports = try witnesses.map { try $0.verify() }
    if json {
      try printJSON(["witnesses": reports])
    } else {
      for report in reports {
        print("\(report.id): \(report.summary)")
        for line in report.expresses {
          print("  \(line.holds ? "holds" : "DOES NOT HOLD"): \(line.formalism.rawValue) expresses it, \(line.how)")
        }
        for line in report.cannot {
          print("  \(line.holds ? "holds" : "DOES NOT HOLD"): \(line.formalism.rawValue) cannot: \(line.how)")
        }
        print("")
      }
    }
    if !reports.allSatisfy(\.holds) { throw ExitCode(2) }
  }
}

struct ExpressibleHasse: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hasse", abstract: "Print the diagram of which formalism contains which.")

  @Option(help: "Where to write the diagram as a picture.") var svg: String?
  @Flag(help: "Print one JSON object: nodes, edges, and every gap with its witness.") var json = false

  func run() throws {
    let diagram = try ExpressivityDiagram()
    if let svg { try Files.write(diagram.svg(), to: URL(fileURLWithPath: svg)) }
    if json { return try printJSON(diagram) }
    func name(_ node: Int) -> String { diagram.nodes[node].formalisms.map(\.rawValue).joined(separator: " = ") }
    for (k, node) in diagram.nodes.enumerated() {
      let below = diagram.edges.filter { $0.upper == k }.map { edge in
        name(edge.lower) + (edge.strictness.map { " (strictly: \($0))" } ?? " (strictness not machine-checked)")
      }
      let indent = String(repeating: "  ", count: node.level)
      print("\(indent)\(name(k))" + (below.isEmpty ? "" : "  contains  " + below.joined(separator: ", ")))
    }
    print("\nNot contained, with what separates them:")
    for formalism in Formalism.allCases {
      let gaps = diagram.gaps.filter { $0.formalism == formalism }
      if gaps.isEmpty { continue }
      print(
        "  \(formalism.rawValue) does not contain "
          + gaps.map { "\($0.other.rawValue) (\($0.witness ?? "not machine-checked"))" }.joined(separator: ", "))
    }
    if let svg { print("\nThe picture is in \(svg).") }
  }
}

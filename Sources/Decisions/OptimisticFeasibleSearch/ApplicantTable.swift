import Basics
import Foundation

/// People from a public data set: features, a group, and whether accepting them would have been right.
///
/// The files are the user's; none comes with Guerdon.
public struct ApplicantTable: Sendable, Hashable {
  /// What a file is.
  public enum Format: String, Sendable, Codable, CaseIterable {
    /// `german.data` of UCI's Statlog German Credit: 1000 rows of 20 attributes and a class, separated by blanks.
    /// Groups are men and women (attribute 9), or people up to 25 years and older ones; good is class 1.
    case german
    /// `compas-scores-two-years.csv` of ProPublica, with its own filter of rows. Groups are African-American and
    /// Caucasian defendants; good is no recidivism within two years.
    case compas
    /// The diabetes data of Efron et al. (2004) with their header `AGE SEX BMI BP S1 … S6 Y`, separated by tabs, blanks
    /// or commas. Good is Y above its median; groups are the sexes, or the ages up to the median and above.
    case diabetes
  }

  /// What the two groups are made by; defendants are always told apart by race.
  public enum Attribute: String, Sendable, Codable, CaseIterable {
    case sex, age
    /// The sexes, unless their shares of good ones differ by less than 0.1: then there is little to be fair about, and
    /// the ages take their place.
    case automatic
  }

  /// Features a row.
  public let width: Int
  /// Row-major [n, width]; the group is none of them.
  public let features: [Double]
  /// [n].
  public let groups: [Bool]
  /// [n].
  public let isGood: [Bool]

  public var count: Int { groups.count }

  public init(width: Int, features: [Double], groups: [Bool], isGood: [Bool]) {
    precondition(
      features.count == width * groups.count && groups.count == isGood.count, "a row has features, a group and a label")
    (self.width, self.features, self.groups, self.isGood) = (width, features, groups, isGood)
  }

  /// Reads a file of at most 64 MiB.
  /// - Throws: `GuerdonError` naming the file, the line and what is wrong there.
  public init(contentsOf url: URL, format: Format, groupedBy attribute: Attribute = .automatic) throws {
    let text = try Files.readText(url, limit: 64 << 20)
    do {
      try self.init(text, format, attribute)
    } catch let problem as Problem {
      let place = problem.line.map { ", line \($0)" } ?? ""
      throw GuerdonError.failure("\(url.path)\(place) is no \(format.rawValue) file: \(problem.reason).")
    }
    guard groups.contains(true), groups.contains(false), isGood.contains(true), isGood.contains(false), count >= 20
    else {
      throw GuerdonError.failure(
        "\(url.path) has \(count) usable rows; 20 at least are needed, of both groups and both labels.")
    }
  }

  private struct Problem: Error {
    var line: Int?
    var reason: String
  }

  private init(_ text: String, _ format: Format, _ attribute: Attribute) throws {
    switch format {
    case .german: self = try Self.german(text, attribute)
    case .compas: self = try Self.compas(text)
    case .diabetes: self = try Self.diabetes(text, attribute)
    }
  }

  /// Groups people by sex or by age; the attribute that does not group them becomes their last feature.
  private init(
    _ features: [Double], sexes: [Bool], ages: [Double], youngest limit: Double, _ isGood: [Bool],
    _ attribute: Attribute
  ) {
    let isBySex =
      switch attribute {
      case .sex: true
      case .age: false
      case .automatic: abs(Self.difference(of: isGood, between: sexes)) >= 0.1
      }
    let width = features.count / max(isGood.count, 1)
    self.init(
      width: width + 1,
      features: isGood.indices.flatMap { i in
        features[i * width..<(i + 1) * width] + [isBySex ? ages[i] : sexes[i] ? 1 : 0]
      },
      groups: isBySex ? sexes : ages.map { $0 > limit }, isGood: isGood)
  }

  // MARK: German Credit

  /// The values that the categorical attributes can take, by column; the other columns are numbers.
  private static let germanCategories: [(column: Int, values: [String])] = [
    (0, ["A11", "A12", "A13", "A14"]), (2, ["A30", "A31", "A32", "A33", "A34"]),
    (3, ["A40", "A41", "A42", "A43", "A44", "A45", "A46", "A47", "A48", "A49", "A410"]),
    (5, ["A61", "A62", "A63", "A64", "A65"]), (6, ["A71", "A72", "A73", "A74", "A75"]),
    (9, ["A101", "A102", "A103"]), (11, ["A121", "A122", "A123", "A124"]), (13, ["A141", "A142", "A143"]),
    (14, ["A151", "A152", "A153"]), (16, ["A171", "A172", "A173", "A174"]), (18, ["A191", "A192"]),
    (19, ["A201", "A202"]),
  ]

  private static func german(_ text: String, _ attribute: Attribute) throws -> ApplicantTable {
    let numeric = [1, 4, 7, 10, 15, 17]
    var features: [Double] = [], isFemale: [Bool] = [], ages: [Double] = [], isGood: [Bool] = []
    for (number, line) in lines(text) {
      let cells = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard cells.count == 21 else {
        throw Problem(line: number, reason: "it has \(cells.count) fields instead of 21 separated by blanks")
      }
      for column in numeric { features.append(try self.number(cells[column], "field \(column + 1)", number)) }
      for (column, values) in germanCategories {
        guard values.contains(cells[column]) else {
          throw Problem(line: number, reason: "field \(column + 1) is \"\(cells[column])\", not one of \(values[0]) … ")
        }
        features += values.map { $0 == cells[column] ? 1 : 0 }
      }
      switch cells[8] {
      case "A91", "A93", "A94": isFemale.append(false)
      case "A92", "A95": isFemale.append(true)
      default: throw Problem(line: number, reason: "field 9 is \"\(cells[8])\", not one of A91 … A95")
      }
      guard cells[20] == "1" || cells[20] == "2" else {
        throw Problem(line: number, reason: "the class is \"\(cells[20])\", neither 1 nor 2")
      }
      ages.append(try self.number(cells[12], "field 13", number))
      isGood.append(cells[20] == "1")
    }
    return ApplicantTable(features, sexes: isFemale, ages: ages, youngest: 25, isGood, attribute)
  }

  // MARK: COMPAS

  private static func compas(_ text: String) throws -> ApplicantTable {
    let rows = try commaSeparated(text)
    guard let header = rows.first?.cells else { throw Problem(line: nil, reason: "it is empty") }
    func column(_ name: String) throws -> Int {
      guard let index = header.firstIndex(of: name) else {
        throw Problem(line: rows[0].line, reason: "it has no column \"\(name)\"")
      }
      return index
    }
    let numeric = try [
      "age", "priors_count", "juv_fel_count", "juv_misd_count", "juv_other_count",
    ].map { (name: $0, index: try column($0)) }
    let charge = try column("c_charge_degree"), sex = try column("sex"), race = try column("race")
    let days = try column("days_b_screening_arrest"), isRecidivist = try column("is_recid")
    let score = try column("score_text"), outcome = try column("two_year_recid")
    var features: [Double] = [], groups: [Bool] = [], isGood: [Bool] = []
    for (line, cells) in rows.dropFirst() {
      guard cells.count == header.count else {
        throw Problem(line: line, reason: "it has \(cells.count) fields, the header \(header.count)")
      }
      // ProPublica's filter: charges within 30 days of the screening, a known outcome, no ordinary traffic offence.
      guard let wait = Double(cells[days]), abs(wait) <= 30, cells[isRecidivist] != "-1", cells[charge] != "O",
        cells[score] != "N/A", cells[race] == "African-American" || cells[race] == "Caucasian"
      else { continue }
      for (name, index) in numeric { features.append(try number(cells[index], name, line)) }
      features.append(cells[charge] == "F" ? 1 : 0)
      features.append(cells[sex] == "Male" ? 1 : 0)
      groups.append(cells[race] == "African-American")
      guard cells[outcome] == "0" || cells[outcome] == "1" else {
        throw Problem(line: line, reason: "two_year_recid is \"\(cells[outcome])\", neither 0 nor 1")
      }
      isGood.append(cells[outcome] == "0")
    }
    return ApplicantTable(width: numeric.count + 2, features: features, groups: groups, isGood: isGood)
  }

  // MARK: Diabetes

  private static func diabetes(_ text: String, _ attribute: Attribute) throws -> ApplicantTable {
    let rows = lines(text).map { number, line in
      (number, line.split { $0.isWhitespace || $0 == "," }.map(String.init))
    }
    let names = ["AGE", "SEX", "BMI", "BP", "S1", "S2", "S3", "S4", "S5", "S6", "Y"]
    guard let header = rows.first?.1, header.map({ $0.uppercased() }) == names else {
      throw Problem(line: rows.first?.0, reason: "its header is not \(names.joined(separator: " "))")
    }
    var table: [[Double]] = []
    for (line, cells) in rows.dropFirst() {
      guard cells.count == names.count else {
        throw Problem(line: line, reason: "it has \(cells.count) fields instead of \(names.count)")
      }
      table.append(try cells.enumerated().map { try number($1, names[$0], line) })
    }
    guard !table.isEmpty else { throw Problem(line: nil, reason: "it has no rows") }
    func median(_ column: Int) -> Double {
      let sorted = table.map { $0[column] }.sorted(), middle = sorted.count / 2
      return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
    let middle = median(10)
    return ApplicantTable(
      table.flatMap { $0[2...9] }, sexes: table.map { $0[1] > 1.5 }, ages: table.map { $0[0] }, youngest: median(0),
      table.map { $0[10] > middle }, attribute)
  }

  /// The difference of the groups' shares of good ones.
  private static func difference(of isGood: [Bool], between groups: [Bool]) -> Double {
    func share(_ group: Bool) -> Double {
      let members = groups.indices.filter { groups[$0] == group }
      return members.isEmpty ? 0 : Double(members.filter { isGood[$0] }.count) / Double(members.count)
    }
    return share(true) - share(false)
  }

  // MARK: Texts

  /// The lines that are not blank, with their numbers from 1.
  private static func lines(_ text: String) -> [(Int, Substring)] {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
      .filter { !$1.allSatisfy(\.isWhitespace) }.map { ($0 + 1, $1) }
  }

  private static func number(_ text: String, _ name: String, _ line: Int) throws -> Double {
    guard let value = Double(text), value.isFinite else {
      throw Problem(line: line, reason: "\(name) is \"\(text)\", not a number")
    }
    return value
  }

  /// RFC 4180: fields may be quoted, and a quoted one may hold commas, line breaks and doubled quotes.
  private static func commaSeparated(_ text: String) throws -> [(line: Int, cells: [String])] {
    var rows: [(line: Int, cells: [String])] = [], cells: [String] = [], cell: [UInt8] = []
    var isQuoted = false, line = 1, begin = 1
    let bytes = Array(text.utf8)
    let quote = UInt8(ascii: "\""), comma = UInt8(ascii: ","), newline = UInt8(ascii: "\n"), cr = UInt8(ascii: "\r")
    func close() {
      cells.append(String(decoding: cell, as: UTF8.self))
      cell.removeAll(keepingCapacity: true)
    }
    func endRow() {
      close()
      if cells.count > 1 || cells.first?.isEmpty == false { rows.append((begin, cells)) }
      cells = []
    }
    var i = 0
    while i < bytes.count {
      let byte = bytes[i]
      if byte == newline { line += 1 }
      if isQuoted {
        if byte != quote {
          cell.append(byte)
        } else if i + 1 < bytes.count, bytes[i + 1] == quote {
          cell.append(quote)
          i += 1
        } else {
          isQuoted = false
        }
      } else if byte == quote, cell.isEmpty {
        isQuoted = true
      } else if byte == comma {
        close()
      } else if byte == newline {
        endRow()
        begin = line
      } else if !(byte == cr && i + 1 < bytes.count && bytes[i + 1] == newline) {
        cell.append(byte)
      }
      i += 1
    }
    if isQuoted { throw Problem(line: begin, reason: "a quoted field is never closed") }
    endRow()
    return rows
  }
}

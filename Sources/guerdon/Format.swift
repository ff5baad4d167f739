import ArgumentParser
import Basics
import Foundation
import RewardPrograms

/// Lays reward programs out in the house style.
struct Format: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Format reward programs; comments and meaning stay.")

  @Argument(help: "Python files; - reads standard input and prints the result.") var files: [String]
  @Flag(help: "Change nothing; exit with 1 if a file is not in the house style.") var check = false

  func run() throws {
    var isUnformatted = false
    for file in files {
      let source: String
      if file == "-" {
        let data = FileHandle.standardInput.readDataToEndOfFile()
        guard let text = String(validating: data, as: UTF8.self) else {
          throw GuerdonError.failure("Standard input is not UTF-8 text.")
        }
        source = text
      } else {
        source = try Files.readText(URL(fileURLWithPath: file))
      }
      let result: String
      do {
        result = try RewardProgram.formatted(source, name: file)
      } catch {
        throw GuerdonError.failure(error.description)
      }
      if file == "-", !check {
        print(result, terminator: "")
      } else if result != source {
        isUnformatted = true
        if check {
          print("\(file) would change.")
        } else {
          try Files.write(result, to: URL(fileURLWithPath: file))
          print("\(file) formatted.")
        }
      }
    }
    if check, isUnformatted { throw ExitCode(1) }
  }
}

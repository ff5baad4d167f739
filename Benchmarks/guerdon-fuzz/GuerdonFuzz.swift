import ArgumentParser
import Basics
import Foundation
import ProgramCorpus
import Synchronization

/// Tries damaged reward programs for as long as it is told, on all cores: `guerdon-fuzz --inputs 10000000`.
@main
struct GuerdonFuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guerdon-fuzz",
    abstract: "Feed damaged reward programs to the compiler, the formatter and the native executor.")

  @Option(help: "Inputs to try.") var inputs = 10_000_000
  @Option(help: "Stop after so many seconds.") var seconds = Double.infinity
  @Option(help: "Seed; every thread counts on from it.") var seed: UInt64 = 1
  @Option(help: "Threads.") var threads = ProcessInfo.processInfo.activeProcessorCount
  @Option(help: "Folder for the inputs in progress, so that one that crashes is not lost.") var last = "runs/fuzz"

  func run() throws {
    let folder = URL(fileURLWithPath: last)
    try Files.createDirectory(folder)
    let total = Mutex(ProgramFuzzer.Tally())
    let began = Date()
    let (share, seed, seconds) = (inputs / max(1, threads), seed, seconds)
    DispatchQueue.concurrentPerform(iterations: max(1, threads)) { thread in
      var fuzzer = ProgramFuzzer(seed: seed + UInt64(thread))
      let keeper = LastInput(folder.appendingPathComponent("last-\(thread).py"))
      for count in 0..<share {
        let input = fuzzer.next()
        keeper?.keep(input.text)
        fuzzer.run(input)
        if count % 256 == 0, Date().timeIntervalSince(began) > seconds { break }
        if count % 100_000 == 0, thread == 0 {
          FileHandle.standardError.write(Data("\(count) of \(share) inputs a thread\n".utf8))
        }
      }
      let tally = fuzzer.tally
      total.withLock { $0.add(tally) }
    }
    let result = total.withLock { $0 }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    print(String(decoding: try encoder.encode(result), as: UTF8.self))
    FileHandle.standardError.write(Data("\(Int(Date().timeIntervalSince(began))) s\n".utf8))
    if !result.findings.isEmpty { throw ExitCode(1) }
  }
}

/// The input in progress in a mapped file, which outlives a crash and costs no system call.
private final class LastInput {
  private let bytes: UnsafeMutablePointer<UInt8>
  private static let size = 1 << 18

  init?(_ url: URL) {
    let file = open(url.path, O_RDWR | O_CREAT, 0o644)
    guard file >= 0, ftruncate(file, off_t(Self.size)) == 0,
      let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
    else { return nil }
    close(file)
    bytes = memory.assumingMemoryBound(to: UInt8.self)
  }

  deinit { munmap(bytes, Self.size) }

  func keep(_ text: String) {
    var position = 0
    for byte in text.utf8.prefix(Self.size - 1) {
      bytes[position] = byte
      position += 1
    }
    bytes[position] = 0
  }
}

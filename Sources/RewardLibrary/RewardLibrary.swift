import Basics
import CRewardLibrary
import Foundation
import RewardPrograms
import Schemas

// The functions of guerdon_reward.h, which documents them. A handle is a retained `Handle`.

/// A program with what a C caller needs of it.
private final class Handle: Sendable {
  let program: RewardProgram
  let inputNames: [CString]
  let termNames: [CString]
  let evaluators = EvaluatorPool()

  init(_ program: RewardProgram) {
    self.program = program
    inputNames = program.inputs.map { CString($0.name) }
    termNames = program.termNames.map(CString.init)
  }
}

/// Text that C reads for as long as this lives.
private final class CString: @unchecked Sendable {
  let pointer: UnsafePointer<CChar>?
  init(_ text: String) { pointer = UnsafePointer(strdup(text)) }
  deinit { free(UnsafeMutablePointer(mutating: pointer)) }
}

private func copied(_ text: String) -> UnsafeMutablePointer<CChar>? { strdup(text) }

private func handle(_ program: OpaquePointer?) -> Handle? {
  program.map { Unmanaged<Handle>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
}

@_cdecl("guerdon_compile")
public func guerdonCompile(
  _ source: UnsafePointer<CChar>?, _ length: Int, _ name: UnsafePointer<CChar>?, _ schema: UnsafePointer<CChar>?,
  _ kind: Int32, _ function: UnsafePointer<CChar>?, _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> OpaquePointer? {
  do {
    guard let source, let schema, length >= 0 else { throw GuerdonError.usage("A source and a schema are needed.") }
    let bytes = UnsafeRawBufferPointer(start: source, count: length)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw GuerdonError.usage("The program is not UTF-8 text.")
    }
    let fields = try Schema(json: Data(String(cString: schema).utf8), name: "the schema")
    let program = try RewardProgram.compile(
      text, name: name.map { String(cString: $0) } ?? "reward.py", schema: fields,
      kind: kind == Int32(GUERDON_FITNESS.rawValue) ? .fitness : .reward,
      options: RewardProgram.Options(function: function.map { String(cString: $0) }))
    return OpaquePointer(Unmanaged.passRetained(Handle(program)).toOpaque())
  } catch let failure {
    error?.pointee = copied("\(failure)")
    return nil
  }
}

@_cdecl("guerdon_free")
public func guerdonFree(_ program: OpaquePointer?) {
  if let program { Unmanaged<Handle>.fromOpaque(UnsafeRawPointer(program)).release() }
}

@_cdecl("guerdon_input_count")
public func guerdonInputCount(_ program: OpaquePointer?) -> Int32 { Int32(handle(program)?.inputNames.count ?? 0) }

@_cdecl("guerdon_input_name")
public func guerdonInputName(_ program: OpaquePointer?, _ index: Int32) -> UnsafePointer<CChar>? {
  name(handle(program)?.inputNames, index)
}

@_cdecl("guerdon_term_count")
public func guerdonTermCount(_ program: OpaquePointer?) -> Int32 { Int32(handle(program)?.termNames.count ?? 0) }

@_cdecl("guerdon_term_name")
public func guerdonTermName(_ program: OpaquePointer?, _ index: Int32) -> UnsafePointer<CChar>? {
  name(handle(program)?.termNames, index)
}

private func name(_ names: [CString]?, _ index: Int32) -> UnsafePointer<CChar>? {
  guard let names, names.indices.contains(Int(index)) else { return nil }
  return names[Int(index)].pointer
}

@_cdecl("guerdon_diagnostics")
public func guerdonDiagnostics(_ program: OpaquePointer?) -> UnsafeMutablePointer<CChar>? {
  guard let data = try? JSONEncoder().encode(handle(program)?.program.warnings ?? []) else { return copied("[]") }
  return copied(String(decoding: data, as: UTF8.self))
}

@_cdecl("guerdon_free_string")
public func guerdonFreeString(_ text: UnsafeMutablePointer<CChar>?) { free(text) }

@_cdecl("guerdon_evaluate")
public func guerdonEvaluate(
  _ program: OpaquePointer?, _ arrays: UnsafePointer<guerdon_array>?, _ count: Int, _ rows: Int64,
  _ rewards: UnsafeMutablePointer<Double>?, _ terms: UnsafeMutablePointer<Double>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  do {
    guard let handle = handle(program), let rewards, rows >= 0, count >= 0, arrays != nil || count == 0 else {
      throw GuerdonError.usage("A program, arrays, a number of rows and a place for the rewards are needed.")
    }
    let given = UnsafeBufferPointer(start: arrays, count: count)
    let sources = try columns(of: handle.program, given, rows: Int(rows))
    handle.evaluators.withEvaluator(of: handle.program) { machine in
      machine.evaluate(sources, rows: Int(rows), rewards: rewards, terms: terms)
    }
    return 0
  } catch let failure {
    error?.pointee = copied("\(failure)")
    return 1
  }
}

/// One column of the transition records, where the caller has it.
struct ColumnSource {
  var column: Int
  var start: UnsafeRawPointer
  /// Bytes from row to row; 0 for what all rows share.
  var stride: Int
  var dtype: guerdon_dtype

  /// Copies some rows, as doubles.
  func copy(_ rows: Range<Int>, to target: UnsafeMutablePointer<Double>) {
    switch dtype {
    case GUERDON_FLOAT64: copy(rows, to: target) { (value: Double) in value }
    case GUERDON_FLOAT32: copy(rows, to: target) { (value: Float) in Double(value) }
    case GUERDON_INT64: copy(rows, to: target) { (value: Int64) in Double(value) }
    case GUERDON_INT32: copy(rows, to: target) { (value: Int32) in Double(value) }
    case GUERDON_BOOL: copy(rows, to: target) { (value: UInt8) in value == 0 ? 0 : 1 }
    default: copy(rows, to: target) { (value: UInt8) in Double(value) }
    }
  }

  @inline(__always)
  private func copy<Element: BitwiseCopyable>(
    _ rows: Range<Int>, to target: UnsafeMutablePointer<Double>, _ convert: (Element) -> Double
  ) {
    for row in rows {
      target[row - rows.lowerBound] = convert(start.loadUnaligned(fromByteOffset: row * stride, as: Element.self))
    }
  }
}

/// Where the columns that a program reads stand in the caller's arrays.
/// - Throws: `GuerdonError` for a missing array, a wrong shape, an unknown dtype.
private func columns(
  of program: RewardProgram, _ arrays: UnsafeBufferPointer<guerdon_array>, rows: Int
) throws -> [ColumnSource] {
  var sources: [ColumnSource] = []
  for input in program.inputs {
    guard let field = program.schema[input.name] else { continue }
    guard let array = arrays.first(where: { $0.name.map { strcmp($0, input.name) == 0 } ?? false }) else {
      throw GuerdonError.usage("The data has no \"\(input.name)\", which \(program.name) reads.")
    }
    let shape = (0..<Int(max(0, array.axes))).map { Int(array.shape[$0]) }
    let strides = (0..<Int(max(0, array.axes))).map { Int(array.strides[$0]) }
    let expected = field.shared ? field.shape : [rows] + field.shape
    guard shape == expected, let data = array.data ?? (rows == 0 ? UnsafeRawPointer(bitPattern: 8) : nil) else {
      throw GuerdonError.usage(
        "\"\(input.name)\" has the shape \(shape); \(program.name) needs \(expected) for \(rows) rows.")
    }
    guard (0...Int32(GUERDON_BOOL.rawValue)).contains(array.dtype) else {
      throw GuerdonError.usage("\"\(input.name)\" has the unknown dtype \(array.dtype).")
    }
    let fieldStrides = field.shared ? strides : Array(strides.dropFirst())
    for (component, column) in input.columns.enumerated() {
      var offset = 0
      var rest = component
      for (axis, size) in field.shape.enumerated().reversed() {
        offset += rest % size * fieldStrides[axis]
        rest /= size
      }
      sources.append(
        ColumnSource(
          column: column, start: data + offset, stride: field.shared ? 0 : strides[0],
          dtype: guerdon_dtype(UInt32(array.dtype))))
    }
  }
  return sources
}

import Basics
import CMuJoCo
import Foundation

/// OpenGL without a screen, from the first library that works.
final class OffscreenContext {
  struct Library: Sendable, Hashable {
    var name: String
    var isEGL: Bool

    static let osmesa = [Library(name: "libOSMesa.so.8", isEGL: false), Library(name: "libOSMesa.so", isEGL: false)]
    static let egl = [Library(name: "libEGL.so.1", isEGL: true)]

    /// Those that may be tried, by MuJoCo's own environment variable.
    static var wanted: [Library] {
      switch ProcessInfo.processInfo.environment["MUJOCO_GL"]?.lowercased() {
      case "osmesa": osmesa
      case "egl": egl
      default: osmesa + egl
      }
    }
  }

  private let handle: OpaquePointer

  /// - Throws: `GuerdonError` naming the package to install when no library works.
  init(width: Int, height: Int, libraries: [Library] = chosen) throws {
    for library in libraries {
      if let handle = cmujoco_gl_create(library.isEGL, library.name, Int32(width), Int32(height)) {
        self.handle = handle
        return
      }
    }
    let names = libraries.map(\.name).joined(separator: ", ")
    throw GuerdonError.failure(
      "Pictures of MuJoCo need OpenGL without a screen, and none of \(names) works here: install Debian's libosmesa6.")
  }

  deinit { cmujoco_gl_destroy(handle) }

  /// MuJoCo loads OpenGL's functions once in a process, so all contexts come from one library.
  private static let chosen: [Library] = {
    let wanted = Library.wanted
    let first = wanted.first { library in
      guard let handle = cmujoco_gl_create(library.isEGL, library.name, 16, 16) else { return false }
      cmujoco_gl_destroy(handle)
      return true
    }
    return first.map { [$0] } ?? wanted
  }()

  /// Runs `body` with the context on this thread.
  func use(_ body: () throws -> Void) throws {
    guard cmujoco_gl_enter(handle) else {
      throw GuerdonError.failure("OpenGL's context cannot be used: there is not enough memory, or the driver is gone.")
    }
    defer { cmujoco_gl_leave(handle) }
    try body()
  }
}

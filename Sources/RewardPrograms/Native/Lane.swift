import Basics
import Foundation

/// The number type of compiled code, with the functions that programs call.
protocol Lane: BinaryFloatingPoint, Sendable {
  static func exp(_ x: Self) -> Self
  static func exp2(_ x: Self) -> Self
  static func expm1(_ x: Self) -> Self
  static func log(_ x: Self) -> Self
  static func log2(_ x: Self) -> Self
  static func log10(_ x: Self) -> Self
  static func log1p(_ x: Self) -> Self
  static func sin(_ x: Self) -> Self
  static func cos(_ x: Self) -> Self
  static func tan(_ x: Self) -> Self
  static func asin(_ x: Self) -> Self
  static func acos(_ x: Self) -> Self
  static func atan(_ x: Self) -> Self
  static func sinh(_ x: Self) -> Self
  static func cosh(_ x: Self) -> Self
  static func tanh(_ x: Self) -> Self
  static func asinh(_ x: Self) -> Self
  static func acosh(_ x: Self) -> Self
  static func atanh(_ x: Self) -> Self
  static func erf(_ x: Self) -> Self
  static func cbrt(_ x: Self) -> Self
  static func fmod(_ x: Self, _ y: Self) -> Self
  static func pow(_ x: Self, _ y: Self) -> Self
  static func atan2(_ x: Self, _ y: Self) -> Self
  static func hypot(_ x: Self, _ y: Self) -> Self
}

extension Double: Lane {
  @inline(__always) static func exp(_ x: Double) -> Double { Elementary.exp(x) }
  static func exp2(_ x: Double) -> Double { Foundation.exp2(x) }
  static func expm1(_ x: Double) -> Double { Foundation.expm1(x) }
  @inline(__always) static func log(_ x: Double) -> Double { Elementary.log(x) }
  static func log2(_ x: Double) -> Double { Foundation.log2(x) }
  static func log10(_ x: Double) -> Double { Foundation.log10(x) }
  static func log1p(_ x: Double) -> Double { Foundation.log1p(x) }
  static func sin(_ x: Double) -> Double { Foundation.sin(x) }
  static func cos(_ x: Double) -> Double { Foundation.cos(x) }
  static func tan(_ x: Double) -> Double { Foundation.tan(x) }
  @inline(__always) static func asin(_ x: Double) -> Double { Elementary.asin(x) }
  @inline(__always) static func acos(_ x: Double) -> Double { Elementary.acos(x) }
  static func atan(_ x: Double) -> Double { Foundation.atan(x) }
  static func sinh(_ x: Double) -> Double { Foundation.sinh(x) }
  static func cosh(_ x: Double) -> Double { Foundation.cosh(x) }
  @inline(__always) static func tanh(_ x: Double) -> Double { Elementary.tanh(x) }
  static func asinh(_ x: Double) -> Double { Foundation.asinh(x) }
  static func acosh(_ x: Double) -> Double { Foundation.acosh(x) }
  static func atanh(_ x: Double) -> Double { Foundation.atanh(x) }
  static func erf(_ x: Double) -> Double { Foundation.erf(x) }
  static func cbrt(_ x: Double) -> Double { Foundation.cbrt(x) }
  static func fmod(_ x: Double, _ y: Double) -> Double { Foundation.fmod(x, y) }
  static func pow(_ x: Double, _ y: Double) -> Double { Foundation.pow(x, y) }
  static func atan2(_ x: Double, _ y: Double) -> Double { Foundation.atan2(x, y) }
  static func hypot(_ x: Double, _ y: Double) -> Double { Foundation.hypot(x, y) }
}

extension Float: Lane {
  @inline(__always) static func exp(_ x: Float) -> Float { Elementary.exp(x) }
  static func exp2(_ x: Float) -> Float { Foundation.exp2(x) }
  static func expm1(_ x: Float) -> Float { Foundation.expm1(x) }
  @inline(__always) static func log(_ x: Float) -> Float { Elementary.log(x) }
  static func log2(_ x: Float) -> Float { Foundation.log2(x) }
  static func log10(_ x: Float) -> Float { Foundation.log10(x) }
  static func log1p(_ x: Float) -> Float { Foundation.log1p(x) }
  static func sin(_ x: Float) -> Float { Foundation.sin(x) }
  static func cos(_ x: Float) -> Float { Foundation.cos(x) }
  static func tan(_ x: Float) -> Float { Foundation.tan(x) }
  @inline(__always) static func asin(_ x: Float) -> Float { Elementary.asin(x) }
  @inline(__always) static func acos(_ x: Float) -> Float { Elementary.acos(x) }
  static func atan(_ x: Float) -> Float { Foundation.atan(x) }
  static func sinh(_ x: Float) -> Float { Foundation.sinh(x) }
  static func cosh(_ x: Float) -> Float { Foundation.cosh(x) }
  @inline(__always) static func tanh(_ x: Float) -> Float { Elementary.tanh(x) }
  static func asinh(_ x: Float) -> Float { Foundation.asinh(x) }
  static func acosh(_ x: Float) -> Float { Foundation.acosh(x) }
  static func atanh(_ x: Float) -> Float { Foundation.atanh(x) }
  static func erf(_ x: Float) -> Float { Foundation.erf(x) }
  static func cbrt(_ x: Float) -> Float { Foundation.cbrt(x) }
  static func fmod(_ x: Float, _ y: Float) -> Float { Foundation.fmod(x, y) }
  static func pow(_ x: Float, _ y: Float) -> Float { Foundation.pow(x, y) }
  static func atan2(_ x: Float, _ y: Float) -> Float { Foundation.atan2(x, y) }
  static func hypot(_ x: Float, _ y: Float) -> Float { Foundation.hypot(x, y) }
}

import TestSupport
import Testing

@testable import RewardPrograms

/// The second stage: tokens to a syntax tree, of the shape that CPython's own parser gives.
@Suite struct ParserTests {
  private static let expressions = [
    "a + b * c", "(a + b) * c", "-a ** 2", "-a ** -b", "2 ** 3 ** 2", "a - b - c", "a / b // c % d @ e", "not a == b",
    "not a and b or c", "a or b and c", "a < b <= c != d", "a if b else c if d else e", "a | b ^ c & d",
    "a << b + c", "~a & -b", "f(a, b, k=c)(d).e[0]", "x[:, 0, ...]", "x[::2, None, -1]", "x[1:2]", "x[a, b][c]",
    "(a,)", "()", "[a, b, c]", "[]", "{'a': b, 1: c}", "lambda x, y: x + y", "a in b", "a not in b", "a is not b",
    "(a, b)[0]", "x.y.z(1).w", "1.5e3 + .5", "True and None", "'a' 'b'", "a if not b else -c", "a == (b if c else d)",
    "f(*a, **b)", "-x[0] + +y", "not -x", "a @ b.T @ c", "x[(a, b)]", "(yield_ := 3)", "a ** b.c", "f(x)[0] ** 2",
  ]

  @Test func agreesWithCPython() throws {
    let found = Self.expressions.map { text in
      Parser.expression(text == "(yield_ := 3)" ? "f(yield_ := 3)" : text).map(Printer.text) ?? "unparsable"
    }
    let expected: [String] = try Python.run(
      """
      import ast, json, sys
      binary = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
                ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>"}
      unary = {ast.USub: "-", ast.UAdd: "+", ast.Not: "not ", ast.Invert: "~"}
      compare = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is",
                 ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"}
      def text(e):
          match e:
              case ast.Constant(value=v):
                  return "..." if v is ... else "'" + v + "'" if isinstance(v, str) else repr(v)
              case ast.Name(id=n): return n
              case ast.Tuple(elts=v): return "(" + text(v[0]) + ",)" if len(v) == 1 else "(" + ", ".join(map(text, v)) + ")"
              case ast.List(elts=v): return "[" + ", ".join(map(text, v)) + "]"
              case ast.Dict(keys=k, values=v): return "{" + ", ".join(text(a) + ": " + text(b) for a, b in zip(k, v)) + "}"
              case ast.UnaryOp(op=o, operand=v): return unary[type(o)] + text(v)
              case ast.BinOp(left=l, op=o, right=r): return f"({text(l)} {binary[type(o)]} {text(r)})"
              case ast.BoolOp(op=o, values=v): return "(" + (" and " if isinstance(o, ast.And) else " or ").join(map(text, v)) + ")"
              case ast.Compare(left=l, ops=o, comparators=c):
                  return "(" + text(l) + "".join(f" {compare[type(a)]} {text(b)}" for a, b in zip(o, c)) + ")"
              case ast.IfExp(test=t, body=b, orelse=o): return f"({text(b)} if {text(t)} else {text(o)})"
              case ast.Call(func=f, args=a, keywords=k):
                  return text(f) + "(" + ", ".join([text(x) for x in a] + [(x.arg + "=" if x.arg else "**") + text(x.value) for x in k]) + ")"
              case ast.Attribute(value=v, attr=a): return text(v) + "." + a
              case ast.Subscript(value=v, slice=ast.Tuple(elts=s)) if s: return text(v) + "[" + ", ".join(map(text, s)) + "]"
              case ast.Subscript(value=v, slice=s): return text(v) + "[" + text(s) + "]"
              case ast.Slice(lower=a, upper=b, step=c):
                  return (text(a) if a else "") + ":" + (text(b) if b else "") + (":" + text(c) if c else "")
              case ast.Lambda(args=a, body=b): return "lambda " + ", ".join(x.arg for x in a.args) + ": " + text(b)
              case ast.Starred(value=v): return "*" + text(v)
              case ast.NamedExpr(target=t, value=v): return f"({text(t)} := {text(v)})"
      texts = json.load(sys.stdin)
      json.dump([text(ast.parse("f(yield_ := 3)" if t == "(yield_ := 3)" else t, mode="eval").body) for t in texts], sys.stdout)
      """, input: Self.expressions)
    for ((source, swift), python) in zip(zip(Self.expressions, found), expected) { #expect(swift == python, "\(source)") }
  }

  private func parse(_ text: String) -> (statements: [Statement], codes: [String], lines: [Int]) {
    var log = DiagnosticLog(source: SourceText(text))
    let statements = Parser.parse(&log)
    return (statements, log.diagnostics.map(\.code), log.diagnostics.map(\.line))
  }

  @Test func readsEveryStatement() {
    let (statements, codes, _) = parse(
      """
      import numpy as np, math
      from typing import (Dict, Tuple,)
      X: float = 1.0
      a, *b = c = [1, 2]
      a[0] += 1; b -= 2
      @decorated
      def f(x, /, y=1, *args, z: int = 2, **rest) -> float:
          '''doc'''
          for i, (j, k) in enumerate(x):
              if i: continue
              elif j: break
              else: pass
          else:
              return 1
          while False:
              del x
          with torch.no_grad():
              assert x, "message"
      class C(Base):
          def g(self): return self
      lambda: 0
      """)
    #expect(codes.isEmpty)
    #expect(statements.count == 9)
    guard case .function(let function) = statements[6].kind else {
      Issue.record("no function")
      return
    }
    #expect(function.parameters.map(\.name) == ["x", "y", "args", "z", "rest"])
    #expect(function.decorators.count == 1 && function.body.count == 4)
  }

  @Test func goesOnAfterAnError() {
    let (_, codes, lines) = parse(
      "x = = 1\ny = 2\ndef f(x) y:\n    pass\nz = )\nw = = 3\nok = 1\n")
    #expect(codes.allSatisfy { $0 == "syntax" })
    #expect(Set(lines).isSuperset(of: [1, 3, 5, 6]), "\(lines)")
  }

  @Test(arguments: [
    "try:\n    x = 1\nexcept: pass\n", "raise ValueError\n", "global x\n", "nonlocal x\n", "async def f(): pass\n",
    "await x\n", "yield x\n", "x = yield\n", "x = await y\n",
  ])
  func namesWhatTheLanguageLacks(_ text: String) { #expect(parse(text).codes.contains("unsupported-syntax")) }

  @Test(arguments: [
    "match x:\n    case 1: pass\n", "def f(x, x): pass\n", "1 = x\n", "f() = 1\n", "x + 1 = 2\n", "if x\n    y\n",
    "for x y: pass\n", "def f: pass\n", "class: pass\n", "import\n", "from x\n", "return return\n", "x y\n", "else:\n    x\n",
    "@f\nx = 1\n", "lambda x y: x\n", "[x for]\n", "{1: 2, 3}\n", "x[1:2:3:4]\n", "f(a b)\n", "x = \n",
  ])
  func rejects(_ text: String) { #expect(!parse(text).codes.isEmpty) }
}

import ProgramCorpus
import RewardPrograms
import TestSupport
import Testing

/// `guerdon format`: what Python sees stays the same, comments stay in their order, and twice is once.
@Suite struct FormatterTests {
  private struct Pair: Encodable {
    let before: String
    let after: String
  }

  /// Awkward layouts, each of which Python accepts.
  static let awkward: [String] = [
    "def f( a,b ) :\n  return a+ b  # sum\n",
    "x=1;y = 2\ndef reward(obs):\n\n\n\n    # first\n\n    return obs[0]*x**-y if obs[1]>0 else - obs[2]\n",
    """
    import torch
    @torch.jit.script
    # about the function
    def compute_reward(object_position: torch.Tensor, goal_position: torch.Tensor, hand_position: torch.Tensor, scale: float=1.0, *, flag=True):
        '''Docstring
          kept   as it is
        '''
        reward = scale * torch.exp(-torch.norm(object_position - goal_position, dim = -1) / 0.1) + 0.5 * torch.tanh(hand_position[:, 0:2].sum( dim=-1 )) - 0.25
        total = foo(a, b,
                    c,   # the third
                    # before d
                    d)
        return reward, {'reward':reward,
           "total" : total, # last
        }


    """,
    """
    def reward(a, b):
        if a > 1 and b < 2 or not (a >= 3) and some_quite_long_name_of_a_condition > 12345678 and another_long_name:
            return (a,)
        elif a: return b
        else:
            pass
            # a comment at the end of the block
        # a comment of the function
        c = [i*2 for i, j in zip(range(3), range(3)) if i and j and some_quite_long_name_of_a_condition > 12345678 or xx]
        d = lambda x, y=2: x if y else -x
        e = {**a, 'k': [1,2,3][::-1], 'm': a[1:, ..., None], 'n': a[b+1:-1]}
        f(*a, **b)
        s = "it's" 'two' f"{a}"
        t = a @ b; u = a if not b else ~c
        x: float = -1.
        x **= 2 ; x //= 3
        y = a[lambda q: q] if (z := 3) > 2 else (yield_ for yield_ in a)
        assert a is not b and c not in d, "message"
        return \\
            a + \\
            b
    # the end
    """,
    "def reward(x):\n\treturn (x  # one\n\t\t+ 1  # two\n\t\t# three\n\t\t- 2)\n",
    "#!shebang\n#comment\n\n\n\n\nclass Task:\n  def reward(self):\n    return 1\n  #inner\nz = 3\n#!/last",
    "def f(a, b,): return a[b,]\nv = (1,)\nw = f(1, 2,)\nprint( (a , b) [0] )\n",
    "x = 2 .real + 2.5.real\n",
    "def f():\n    return {}\n\n\n# alone\n\n\n# with g\ndef g():\n    return f()()\n",
  ]

  @Test func meaningAndCommentsStay() throws {
    let sources = Self.awkward + CorpusProgram.all.map(\.source)
    var pairs: [Pair] = []
    for source in sources {
      do {
        let once = try RewardProgram.formatted(source)
        pairs.append(Pair(before: source, after: once))
        #expect(try RewardProgram.formatted(once) == once, "formatting again changes\n\(once)")
      } catch {
        Issue.record("\(error)\nin\n\(source)")
      }
    }
    let problems: [String] = try Python.run(
      """
      import ast, io, json, sys, tokenize, warnings
      warnings.simplefilter("ignore")
      def comments(text):
          found = [t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.COMMENT]
          return ["".join(c.split()) for c in found]
      problems = []
      for pair in json.load(sys.stdin):
          before, after = pair["before"], pair["after"]
          try:
              if ast.dump(ast.parse(before)) != ast.dump(ast.parse(after)):
                  problems.append("another program:\\n" + after)
              if comments(before) != comments(after):
                  problems.append(f"{comments(before)} became {comments(after)}:\\n" + after)
              if any(line != line.rstrip() for line in after.split("\\n")) and '\\"\\"\\"' not in after and "'''" not in after:
                  problems.append("spaces at the end of a line:\\n" + after)
          except SyntaxError as error:
              problems.append(f"{error}:\\n" + after)
      print(json.dumps(problems))
      """, input: pairs)
    for problem in problems { Issue.record("\(problem)") }
  }

  /// Written by hand.
  @Test(arguments: [
    ("def f( a,b=1 ) :\n  return a+ -b  # sum\n", "def f(a, b=1):\n    return a + -b  # sum\n"),
    (
      "A=1\ndef f(x:float=1.0)->float:\n      #note\n      return x [ 1 : , None ]\nB = f(x = 2)\n",
      "A = 1\n\n\ndef f(x: float = 1.0) -> float:\n    # note\n    return x[1:, None]\n\n\nB = f(x=2)\n"
    ),
    (
      "def f(x):\n    return some_function_with_a_long_name(first_argument_of_it=x[:, 0], second_argument=x[:, 1:4], third=x)\n",
      """
      def f(x):
          return some_function_with_a_long_name(
              first_argument_of_it=x[:, 0],
              second_argument=x[:, 1:4],
              third=x,
          )

      """
    ),
    (
      "def f(x):\n    y = first_term_of_the_sum * 2.0 + second_term_of_the_sum * 3.0 - third_term_of_the_sum / 4.0 + fourth\n    return y\n",
      """
      def f(x):
          y = (
              first_term_of_the_sum * 2.0
              + second_term_of_the_sum * 3.0
              - third_term_of_the_sum / 4.0
              + fourth
          )
          return y

      """
    ),
  ])
  func looksAsExpected(_ source: String, _ expected: String) throws {
    #expect(try RewardProgram.formatted(source) == expected)
  }

  @Test func whatDoesNotParseIsRefused() {
    #expect(throws: CompilationFailure.self) { try RewardProgram.formatted("def f(:\n  return 1\n") }
    #expect(throws: CompilationFailure.self) { try RewardProgram.formatted(String(repeating: "x", count: 300_000)) }
  }
}

/// The 17 formalisms in which an objective can be written. Each allows certain total preorders of the stationary
/// policies of an environment.
public enum Formalism: String, Sendable, Hashable, Codable, CaseIterable {
  case markovRewards = "MR"
  case limitAverageReward = "LAR"
  case linearTemporalLogic = "LTL"
  case rewardMachines = "RM"
  case innerNonlinear = "INMR"
  case innerMultiObjective = "IMORL"
  case functionsOfTrajectories = "FTR"
  case regularised = "RRL"
  case outerNonlinear = "ONMR"
  case outerMultiObjective = "OMORL"
  case functionsOfOccupancies = "FOMR"
  case functionsOfLotteries = "FTLR"
  case functionsOfPolicies = "FPR"
  case multiObjectiveOrders = "GOMORL"
  case occupancyOrders = "OMO"
  case lotteryOrders = "TLO"
  case policyOrders = "PO"

  public var title: String {
    switch self {
    case .markovRewards: "Markov rewards"
    case .limitAverageReward: "limit average reward"
    case .linearTemporalLogic: "linear temporal logic"
    case .rewardMachines: "reward machines"
    case .innerNonlinear: "inner nonlinear Markov rewards"
    case .innerMultiObjective: "inner multi-objective RL"
    case .functionsOfTrajectories: "functions from trajectories to reals"
    case .regularised: "regularised RL"
    case .outerNonlinear: "outer nonlinear Markov rewards"
    case .outerMultiObjective: "outer multi-objective RL"
    case .functionsOfOccupancies: "functions from occupancy measures to reals"
    case .functionsOfLotteries: "functions from trajectory lotteries to reals"
    case .functionsOfPolicies: "functions from policies to reals"
    case .multiObjectiveOrders: "generalised outer multi-objective RL"
    case .occupancyOrders: "occupancy measure orderings"
    case .lotteryOrders: "trajectory lottery orderings"
    case .policyOrders: "policy orderings"
    }
  }

  public var definition: String {
    switch self {
    case .markovRewards: "E Σ γ^t R(s, a, s')"
    case .limitAverageReward: "lim (1/T) E Σ R(s, a, s')"
    case .linearTemporalLogic: "P(ξ satisfies φ)"
    case .rewardMachines: "E Σ γ^t of rewards that a finite-state machine over labels chooses"
    case .innerNonlinear: "E f(Σ γ^t R)"
    case .innerMultiObjective: "E f(G₁, …, G_k) of discounted returns"
    case .functionsOfTrajectories: "E f(ξ)"
    case .regularised: "E Σ γ^t [R - α F(π(· | s))]"
    case .outerNonlinear: "f(J)"
    case .outerMultiObjective: "f(J₁, …, J_k)"
    case .functionsOfOccupancies: "f(m_π)"
    case .functionsOfLotteries: "f(L_π)"
    case .functionsOfPolicies: "f(π)"
    case .multiObjectiveOrders: "a total preorder of (J₁, …, J_k)"
    case .occupancyOrders: "a total preorder of m_π"
    case .lotteryOrders: "a total preorder of L_π"
    case .policyOrders: "a total preorder of π"
    }
  }
}

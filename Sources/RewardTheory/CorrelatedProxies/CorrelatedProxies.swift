import Experiments
import FiniteMDPs
import RewardAudit

/// Correlated proxies (Laidlaw, Singhal and Dragan, arXiv 2403.03185): reward hacking, defined, detected and bounded.
///
/// - `ProxyStatistics`, `ProxyAssessment`: a proxy is good if it correlates with the true reward where a base policy
///   goes; hacking is when optimising it leaves less true reward than the base policy had. Both are of any transitions.
/// - `FiniteMDP.occupancyRegularised`: the exact optimum of the proxy minus β χ² between occupancies.
/// - `FiniteMDP.actionRegularised`: the usual remedy, KL between the policies' actions.
public enum CorrelatedProxies: Method {
  public static let card = MethodCard(
    id: "correlated-proxies", title: "Correlated Proxies: A New Definition and Improved Mitigation for Reward Hacking",
    paper: Paper(arXiv: "2403.03185", year: 2024, month: 3, authors: 3), family: .theory,
    summary:
      "Says when a proxy reward is hacked (its correlation under a base policy breaks once it is optimised), and holds the optimised policy near the base one by the chi-squared divergence of their occupancies.")
}

/// Runs side by side: the settings in which they differ, and their closing figures.
public struct RunComparison: Sendable, Encodable {
  /// A closing figure of one run.
  public struct Figure: Sendable, Encodable {
    /// One value, or one a seed.
    public var values: [Double]
    /// The value, or the interquartile mean over seeds.
    public var estimate: Double
    /// The 95 % bootstrap interval of the interquartile mean; nil where there is one value.
    public var interval: Interval?

    public init(_ values: [Double]) {
      self.values = values
      interval = values.count > 1 ? Statistics.stratifiedBootstrap([values]) : nil
      estimate = interval?.estimate ?? values.first ?? .nan
    }
  }

  public struct Setting: Sendable, Encodable {
    public var name: String
    /// One a run; nil where a run has no such setting.
    public var values: [String?]
  }

  public struct Metric: Sendable, Encodable {
    public var name: String
    /// One a run; nil where a run has no such figure.
    public var figures: [Figure?]
  }

  /// The runs' ids.
  public var runs: [String]
  public var status: [RunRecord.Status]
  /// Only those in which the runs differ, the verb, method, task and seed among them.
  public var settings: [Setting]
  public var metrics: [Metric]

  public init(_ records: [RunRecord]) {
    let described = records.map { record in
      record.configuration.merging(
        ["verb": record.verb, "method": record.method, "task": record.task, "seed": "\(record.seed)"]
          .compactMapValues { $0 }, uniquingKeysWith: { setting, _ in setting })
    }
    runs = records.map(\.id)
    status = records.map(\.status)
    settings = Set(described.flatMap(\.keys)).sorted().compactMap { name in
      let values = described.map { $0[name] }
      return Set(values).count > 1 ? Setting(name: name, values: values) : nil
    }
    metrics = Set(records.flatMap(\.metrics.keys)).sorted().map { name in
      Metric(name: name, figures: records.map { $0.metrics[name].map(Figure.init) })
    }
  }
}

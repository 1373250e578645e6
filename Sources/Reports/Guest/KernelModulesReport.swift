import Bytes
public import LinuxGuest

/// What `varve modules` prints: the modules of a guest's kernel.
public struct KernelModulesReport: Codable, Hashable, Sendable {
  public var schema = "varve.modules/1"
  public var file: String
  public var release: String
  /// In the kernel's order: the one that was loaded last comes first.
  public var modules: [KernelModuleReport]
  /// Those that tainted the kernel before they were unloaded.
  public var unloaded: [UnloadedModuleReport]
  public var warnings: [String]

  public init(file: String, release: String, modules: KernelModules, warnings: [String]) {
    self.file = file
    self.release = release
    self.modules = modules.loaded.map(KernelModuleReport.init)
    unloaded = modules.unloaded.map {
      UnloadedModuleReport(name: $0.name, taints: $0.taintLetters, count: $0.count)
    }
    self.warnings = warnings + modules.diagnostics
  }
}

/// A module that was unloaded.
public struct UnloadedModuleReport: Codable, Hashable, Sendable {
  public var name: String
  public var taints: String
  public var count: UInt64
}

/// One module; what isn't known isn't there.
public struct KernelModuleReport: Codable, Hashable, Sendable {
  /// A part of its memory.
  public struct Region: Codable, Hashable, Sendable {
    public var part: String
    public var address: String
    public var size: UInt64
  }

  public var name: String
  /// Where its text begins.
  public var address: String?
  /// Of its `struct module`.
  public var structure: String
  /// In bytes.
  public var size: UInt64
  public var useCount: Int?
  public var users: [String]
  /// `Live`, `Loading`, `Unloading`, `Unformed`.
  public var state: String?
  /// Letters, as /proc/modules has them.
  public var taints: String
  public var version: String?
  public var sourceVersion: String?
  public var arguments: String?
  public var buildID: String?
  public var regions: [Region]
  public var symbols: Int
  public var hasTypes: Bool
  public var orcEntries: UInt64?
  public var warnings: [String]

  init(_ module: KernelModule) {
    name = module.name
    address = module.base?.description
    structure = module.address.description
    size = module.size
    useCount = module.useCount
    users = module.users
    state = module.state?.name
    taints = module.taintLetters
    version = module.version
    sourceVersion = module.sourceVersion
    arguments = module.arguments
    buildID = module.buildID?.description
    regions = module.regions.map {
      Region(
        part: $0.part.name, address: $0.range.lowerBound.description,
        size: $0.range.upperBound.rawValue - $0.range.lowerBound.rawValue)
    }
    symbols = module.symbols.count
    hasTypes = module.types != nil
    orcEntries = module.orc?.count
    warnings = module.diagnostics
  }
}

extension KernelModulesReport {
  /// A line for each module with the columns of lsmod, then where it is, its state and its taints.
  public func text(_ style: TextStyle) -> String {
    let names = max(modules.map(\.name.count).max() ?? 0, 6)
    var lines = [
      style.paint(
        pad("Module", names) + "  " + padLeft("Size", 9) + "  " + pad("Address", 18) + "  "
          + pad("State", 9) + "  Used by", .heading)
    ]
    for module in modules {
      var users = module.useCount.map { "\($0)" } ?? "-"
      if !module.users.isEmpty { users += " " + module.users.joined(separator: ",") }
      if !module.taints.isEmpty { users += " (\(module.taints))" }
      lines.append(
        style.paint(pad(module.name, names), .function) + "  "
          + padLeft("\(module.size)", 9) + "  "
          + style.paint(pad(module.address ?? "?", 18), .address) + "  "
          + pad(module.state ?? "?", 9) + "  " + TextStyle.visible(users))
    }
    for module in unloaded {
      lines.append(
        style.paint("unloaded: \(module.name) (\(module.taints)), \(module.count) times", .faint))
    }
    return lines.joined(separator: "\n")
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private func padLeft(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

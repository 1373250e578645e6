/// Finds the circles of a wait graph: one for each set of nodes that all wait for each other
/// (a strongly connected component; R. Tarjan, 1972), without recursion, as the graph is made from
/// untrusted memory.
struct CycleFinder {
  private var nodes: [WaitNode] = []
  private var targets: [[Int]] = []

  init(_ edges: [WaitEdge]) {
    var indices: [WaitNode: Int] = [:]
    for node in Set(edges.flatMap { [$0.from, $0.to] }).sorted() {
      indices[node] = nodes.count
      nodes.append(node)
    }
    targets = Array(repeating: [], count: nodes.count)
    for edge in edges {
      guard let from = indices[edge.from], let to = indices[edge.to] else { continue }
      targets[from].append(to)
    }
  }

  func cycles() -> [[WaitNode]] {
    components()
      .filter { $0.count > 1 || targets[$0[0]].contains($0[0]) }
      .compactMap { circle(in: Set($0)) }
      .sorted { ($0.first ?? $0[0]) < ($1.first ?? $1[0]) }
  }

  /// The shortest way from the component's lowest node back to itself.
  private func circle(in component: Set<Int>) -> [WaitNode]? {
    guard let start = component.min() else { return nil }
    var previous: [Int: Int] = [:]
    var queue = [start]
    var next = 0
    while next < queue.count {
      let node = queue[next]
      next += 1
      for target in targets[node] where component.contains(target) {
        if target == start {
          var path = [node]
          while let last = path.last, last != start, let step = previous[last] {
            path.append(step)
          }
          return path.reversed().map { nodes[$0] }
        }
        if previous[target] == nil {
          previous[target] = node
          queue.append(target)
        }
      }
    }
    return nil
  }

  /// Tarjan's components, with a stack of its own in place of recursion.
  private func components() -> [[Int]] {
    var order: [Int?] = Array(repeating: nil, count: nodes.count)
    var low = Array(repeating: 0, count: nodes.count)
    var isOpen = Array(repeating: false, count: nodes.count)
    var open: [Int] = []
    var result: [[Int]] = []
    var counter = 0
    for root in nodes.indices where order[root] == nil {
      var calls: [(node: Int, next: Int)] = [(root, 0)]
      while let (node, next) = calls.last {
        if next == 0 {
          order[node] = counter
          low[node] = counter
          counter += 1
          open.append(node)
          isOpen[node] = true
        }
        if next < targets[node].count {
          calls[calls.count - 1].next += 1
          let target = targets[node][next]
          if order[target] == nil {
            calls.append((target, 0))
          } else if isOpen[target] {
            low[node] = min(low[node], order[target] ?? low[node])
          }
          continue
        }
        calls.removeLast()
        if let parent = calls.last?.node { low[parent] = min(low[parent], low[node]) }
        guard low[node] == order[node] else { continue }
        var component: [Int] = []
        while let last = open.popLast() {
          isOpen[last] = false
          component.append(last)
          if last == node { break }
        }
        result.append(component)
      }
    }
    return result
  }
}

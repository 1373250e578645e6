import Benchmark
import FoundationEssentials
import Varve

/// What is measured: the core that `VARVE_BENCHMARK_CORE` names.
private let path = ProcessInfo.processInfo.environment["VARVE_BENCHMARK_CORE"]

/// A dump of a guest that `VARVE_BENCHMARK_GUEST` names.
private let guestPath = ProcessInfo.processInfo.environment["VARVE_BENCHMARK_GUEST"]

/// How fast memory is searched, in millions of bytes a second.
private let searchSpeed = BenchmarkMetric.custom(
  "Searched (MB/s)", polarity: .prefersLarger, useScalingFactor: false)

private func configuration(_ extra: BenchmarkMetric...) -> Benchmark.Configuration {
  Benchmark.Configuration(
    metrics: [.wallClock, .cpuTotal, .peakMemoryResident] + extra, warmupIterations: 1,
    maxDuration: .seconds(5), maxIterations: 50)
}

let benchmarks: @Sendable () -> Void = {
  // Without files there is nothing to measure; `scripts/bench` and `scripts/bench-guest` give them.
  if let path { measureCore(path) }
  if let guestPath { measureGuest(guestPath) }
}

private func measureCore(_ path: String) {
  Benchmark("Open a core", configuration: configuration()) { benchmark in
    for _ in benchmark.scaledIterations {
      blackHole(try CoreDump(opening: path).process.modules.count)
    }
  }

  Benchmark("Unwind all threads", configuration: configuration()) { benchmark in
    let process = try CoreDump(opening: path).process
    blackHole(frameCount(of: process))
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { blackHole(frameCount(of: process)) }
  }

  Benchmark("Report all threads, everything read anew", configuration: configuration()) {
    benchmark in
    for _ in benchmark.scaledIterations {
      let dump = try CoreDump(opening: path)
      blackHole(try dump.backtraces(.all(coroutines: false), options: StackOptions()))
    }
  }

  Benchmark("Report all threads, debug information read", configuration: configuration()) {
    benchmark in
    let dump = try CoreDump(opening: path)
    blackHole(try dump.backtraces(.all(coroutines: false), options: StackOptions()))
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      blackHole(try dump.backtraces(.all(coroutines: false), options: StackOptions()))
    }
  }

  Benchmark("Search for coroutines", configuration: configuration(searchSpeed)) { benchmark in
    let dump = try CoreDump(opening: path)
    let scanner = CoroutineScanner(HostProcess(dump.process))
    let windows = ReleasingWindows(file: dump.file.mapped)
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      let start = ContinuousClock.now
      let searched = scanner.scan(windows: windows).searched
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      benchmark.measurement(searchSpeed, Int(Double(searched) / seconds / 1e6))
    }
  }
}

private func measureGuest(_ path: String) {
  Benchmark("Find a guest's kernel", configuration: configuration()) { benchmark in
    for _ in benchmark.scaledIterations {
      blackHole(try MachineSource(opening: path).linuxKernel().release)
    }
  }

  Benchmark("List a guest's tasks", configuration: configuration()) { benchmark in
    let kernel = try MachineSource(opening: path).linuxKernel()
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { blackHole(try kernel.tasks().tasks.count) }
  }

  Benchmark("Unwind every kernel stack", configuration: configuration()) { benchmark in
    let kernel = try MachineSource(opening: path).linuxKernel()
    let tasks = try kernel.tasks().tasks
    let stacks = try KernelStacks(kernel)
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { blackHole(tasks.map { stacks.stack(of: $0) }.count) }
  }

  Benchmark("Report every kernel stack, everything read anew", configuration: configuration()) {
    benchmark in
    for _ in benchmark.scaledIterations {
      let source = try MachineSource(opening: path)
      blackHole(try source.guestStacks(.all, options: StackOptions(isRaw: true)))
    }
  }
}

private func frameCount(of process: Process) -> Int {
  process.threads.reduce(0) { $0 + process.backtrace(from: $1.registers).frames.count }
}

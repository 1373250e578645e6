internal import Glibc

/// The entry points of libdebuginfod (elfutils/debuginfod.h), loaded when first needed so that its
/// absence costs nothing but downloads.
@safe
struct DebuginfodLibrary: Sendable {
  typealias Client = OpaquePointer
  typealias Find =
    @convention(c) (
      Client, UnsafePointer<UInt8>, Int32, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    ) -> Int32
  typealias ProgressFunction = @convention(c) (Client?, Int, Int) -> Int32

  let begin: @convention(c) () -> Client?
  let end: @convention(c) (Client) -> Void
  let findDebugInfo: Find
  let findExecutable: Find
  let setProgress: @convention(c) (Client, ProgressFunction?) -> Void
  let setUserData: @convention(c) (Client, UnsafeMutableRawPointer?) -> Void
  let getUserData: @convention(c) (Client) -> UnsafeMutableRawPointer?
  let getURL: @convention(c) (Client) -> UnsafePointer<CChar>?

  /// The library if this machine has it. Stays loaded: its own threads and caches may outlive us.
  static let shared: DebuginfodLibrary? = load("libdebuginfod.so.1")

  static func load(_ name: String) -> DebuginfodLibrary? {
    // Safe: each symbol is cast to the type that elfutils/debuginfod.h declares it with; the
    // library is never unloaded.
    guard let handle = unsafe dlopen(name, RTLD_NOW | RTLD_LOCAL),
      let begin = unsafe dlsym(handle, "debuginfod_begin"),
      let end = unsafe dlsym(handle, "debuginfod_end"),
      let findDebugInfo = unsafe dlsym(handle, "debuginfod_find_debuginfo"),
      let findExecutable = unsafe dlsym(handle, "debuginfod_find_executable"),
      let setProgress = unsafe dlsym(handle, "debuginfod_set_progressfn"),
      let setUserData = unsafe dlsym(handle, "debuginfod_set_user_data"),
      let getUserData = unsafe dlsym(handle, "debuginfod_get_user_data"),
      let getURL = unsafe dlsym(handle, "debuginfod_get_url")
    else { return nil }
    return unsafe DebuginfodLibrary(
      begin: unsafeBitCast(begin, to: (@convention(c) () -> Client?).self),
      end: unsafeBitCast(end, to: (@convention(c) (Client) -> Void).self),
      findDebugInfo: unsafeBitCast(findDebugInfo, to: Find.self),
      findExecutable: unsafeBitCast(findExecutable, to: Find.self),
      setProgress: unsafeBitCast(
        setProgress, to: (@convention(c) (Client, ProgressFunction?) -> Void).self),
      setUserData: unsafeBitCast(
        setUserData, to: (@convention(c) (Client, UnsafeMutableRawPointer?) -> Void).self),
      getUserData: unsafeBitCast(
        getUserData, to: (@convention(c) (Client) -> UnsafeMutableRawPointer?).self),
      getURL: unsafeBitCast(
        getURL, to: (@convention(c) (Client) -> UnsafePointer<CChar>?).self))
  }
}

/// One conversation with the servers in `DEBUGINFOD_URLS`. Not to be used by two threads at once.
@safe
final class DebuginfodClient {
  /// How a query ended.
  enum Answer {
    /// An open descriptor of the cached file, its name, and the server that had it.
    case found(descriptor: Int32, path: String, url: String)
    /// The library's error, as an errno value.
    case failed(errno: Int32)
  }

  private let library: DebuginfodLibrary
  private let client: OpaquePointer
  private var progress: (Int, Int) -> Bool = { _, _ in true }

  /// Nil if the library has no memory for a client.
  init?(_ library: DebuginfodLibrary) {
    guard let client = unsafe library.begin() else { return nil }
    self.library = library
    unsafe self.client = client
    // The callback finds its way back through the user data. Safe: unretained, but this object
    // outlives the client.
    unsafe library.setUserData(client, Unmanaged.passUnretained(self).toOpaque())
    unsafe library.setProgress(client) { client, done, total in
      guard let client = unsafe client, let library = DebuginfodLibrary.shared,
        let data = unsafe library.getUserData(client)
      else { return 0 }
      let owner = unsafe Unmanaged<DebuginfodClient>.fromOpaque(data).takeUnretainedValue()
      return owner.progress(done, total) ? 0 : 1
    }
  }

  deinit {
    unsafe library.end(client)
  }

  /// Asks for the debug file (or the executable) with the build-id `id`. `progress` is told how
  /// many of how many bytes have come, 0 of 0 at first; it returns false to give up.
  func find(
    executable: Bool, _ id: [UInt8], progress: @escaping (Int, Int) -> Bool
  ) -> Answer {
    self.progress = progress
    defer { self.progress = { _, _ in true } }
    let function = unsafe executable ? library.findExecutable : library.findDebugInfo
    var name: UnsafeMutablePointer<CChar>?
    // Safe: the array's bytes and `name` outlive the call.
    let result = unsafe id.withUnsafeBufferPointer { bytes in
      guard let start = bytes.baseAddress else { return -EINVAL }
      return unsafe function(client, start, Int32(bytes.count), &name)
    }
    // Safe: the name is the library's strdup(3), ours to free once it is copied.
    let path = unsafe name.map { unsafe String(cString: $0) } ?? ""
    unsafe free(name)
    guard result >= 0 else { return .failed(errno: -result) }
    let url = unsafe library.getURL(client).map { unsafe String(cString: $0) }
    return .found(descriptor: result, path: path, url: url ?? "cache")
  }
}

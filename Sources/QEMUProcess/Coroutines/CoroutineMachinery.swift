/// The functions by which QEMU switches coroutines and makes them wait: what stands innermost on
/// every waiting coroutine's stack and says nothing about it.
///
/// From util/qemu-coroutine.c, util/qemu-coroutine-lock.c, util/qemu-coroutine-sleep.c,
/// util/coroutine-ucontext.c and util/coroutine-sigaltstack.c of 5.2 to 10.1.
public enum CoroutineMachinery {
  /// Switching: on every stack.
  public static let switching: Set<String> = [
    "qemu_coroutine_switch", "qemu_coroutine_yield", "qemu_coroutine_enter",
    "qemu_aio_coroutine_enter", "qemu_coroutine_enter_if_inactive", "coroutine_trampoline",
    "qemu_lockable_lock", "qemu_lockable_auto_lock",
    "coroutine_bootstrap", "aio_co_enter", "aio_co_wake", "__start_context", "start_switch_fiber",
    "start_switch_fiber_asan", "start_switch_fiber_tsan", "finish_switch_fiber",
  ]

  /// Waiting for something: they tell what kind of thing is waited for.
  public static let waiting: [String: String] = [
    "qemu_co_queue_wait_impl": "a CoQueue", "qemu_co_queue_wait": "a CoQueue",
    "qemu_co_mutex_lock_slowpath": "a CoMutex", "qemu_co_mutex_lock": "a CoMutex",
    "qemu_co_rwlock_rdlock": "a CoRwlock, to read",
    "qemu_co_rwlock_wrlock": "a CoRwlock, to write",
    "qemu_co_rwlock_upgrade": "a CoRwlock, to write",
    "qemu_co_sleep": "a timer", "qemu_co_sleep_ns": "a timer",
    "qemu_co_sleep_ns_wakeable": "a timer", "qemu_co_timeout": "a timer",
    "yield_until_fd_readable": "a file descriptor",
    "thread_pool_submit_co": "the thread pool", "laio_co_submit": "Linux AIO",
    "luring_co_submit": "io_uring", "bdrv_co_yield_to_drain": "a drain's end",
    "co_get_from_shres": "a shared resource",
  ]

  /// Whether a function of that name is part of the machinery.
  public static func contains(_ function: String) -> Bool {
    switching.contains(function) || waiting[function] != nil
  }

  /// The first of `functions`, innermost first, that isn't machinery, and what the machinery within
  /// it waits for, if that can be told. Nil if there is nothing but machinery.
  public static func firstWorker(
    in functions: [String]
  ) -> (index: Int, waitsFor: String?)? {
    guard let index = functions.firstIndex(where: { !contains($0) }) else { return nil }
    return (index, functions[..<index].lazy.reversed().compactMap { waiting[$0] }.first)
  }
}

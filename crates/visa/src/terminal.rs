//! The host's terminal: raw while a guest has it, on its alternate screen while a table is shown beside the guest, and
//! given back whatever happens.
//!
//! It is given back when the guard is dropped (normal end, error, quit), when the program panics, and on SIGINT,
//! SIGTERM and SIGHUP, which end the run in good order; a second signal ends the program at once.
//!
//! Raw is what is typed, not what is printed: a new line still starts at the left margin, for guests and traces that
//! print no carriage returns.

use std::io::{IsTerminal, stdin, stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Instant;

use anyhow::Context;
use crossterm::queue;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::SIGNAL_BASE;
use crate::output;

/// Whether the terminal is raw now.
static RAW: AtomicBool = AtomicBool::new(false);
/// Whether the terminal shows its alternate screen.
static ALTERNATE: AtomicBool = AtomicBool::new(false);
/// The signal that asks for the end; 0 is none.
static SIGNAL: AtomicU8 = AtomicU8::new(0);

/// What a guest may have left switched on or off: colours, the cursor, wrapping at the margin.
const TEXT_AS_USUAL: &[u8] = b"\x1b[0m\x1b[?25h\x1b[?7h";

/// What a guest may have asked keys, mouse and pasted text to send.
const KEYS_AS_USUAL: &[u8] =
    b"\x1b[?1l\x1b>\x1b[?2004l\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l";

/// Installed once, whatever is taken first.
static HOOK: Once = Once::new();

/// The signals that end a run.
const SIGNALS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// The terminal is raw as long as this lives, if standard input is one.
pub struct RawTerminal(());

impl RawTerminal {
    /// Makes the terminal raw, if standard input is one.
    pub fn enter() -> anyhow::Result<RawTerminal> {
        if stdin().is_terminal() {
            HOOK.call_once(restore_on_panic);
            let output_modes = tcgetattr(stdin()).map(|before| before.output_modes);
            enable_raw_mode().context("cannot make the terminal raw")?;
            RAW.store(true, Ordering::SeqCst);
            let kept = output_modes.and_then(|modes| {
                let mut settings = tcgetattr(stdin())?;
                settings.output_modes = modes;
                tcsetattr(stdin(), OptionalActions::Now, &settings)
            });
            kept.context("cannot set the terminal's output modes")?;
        }
        Ok(RawTerminal(()))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Changes to the alternate screen.
pub fn enter_alternate() -> std::io::Result<()> {
    HOOK.call_once(restore_on_panic);
    let mut enter = Vec::new();
    queue!(enter, EnterAlternateScreen)?;
    output::output().offer(&enter)?;
    ALTERNATE.store(true, Ordering::SeqCst);
    Ok(())
}

/// Changes back to the usual screen, if the alternate one is shown.
pub fn leave_alternate() {
    if ALTERNATE.swap(false, Ordering::SeqCst) {
        let mut leave = [KEYS_AS_USUAL, TEXT_AS_USUAL].concat();
        // There is nobody left to hear of a failure.
        let _ = queue!(leave, LeaveAlternateScreen).and_then(|()| output::output().offer(&leave));
        output::output().drain_briefly();
    }
}

/// Gives the terminal back, as far as it was taken.
pub fn restore() {
    leave_alternate();
    if RAW.swap(false, Ordering::SeqCst) {
        // There is nobody left to hear of a failure.
        let _ = disable_raw_mode();
        if stdout().is_terminal() {
            let _ = output::output().offer(TEXT_AS_USUAL);
            output::output().drain_briefly();
        }
    }
}

fn restore_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        restore();
        report(panic);
    }));
}

/// From now on signals are noted for [`signal`], and `wake` is called.
pub fn watch_signals(wake: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    let mut signals = Signals::new(SIGNALS).context("cannot watch for signals")?;
    let watch = move || {
        for signal in signals.forever() {
            let number = signal as u8;
            if SIGNAL.swap(number, Ordering::SeqCst) != 0 {
                restore();
                std::process::exit(i32::from(SIGNAL_BASE) + signal);
            }
            output::hurry(Instant::now(), SIGNAL_BASE.saturating_add(number));
            wake();
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(watch).context("cannot watch for signals")?;
    Ok(())
}

/// The signal that asked for the end of the run, if one did.
pub fn signal() -> Option<u8> {
    Some(SIGNAL.load(Ordering::SeqCst)).filter(|number| *number != 0)
}

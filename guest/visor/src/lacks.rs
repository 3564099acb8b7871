//! Which features the machine lacks, as far as visor must make up for them.

/// What the device tree says of the harts (specification, 8.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Lacks {
    /// The exit record does not say what the instruction says.
    pub decode_assist: bool,
    /// Everything that could be made to exit does.
    pub trap_filter: bool,
    /// The guest's timer exits.
    pub timer_without_exit: bool,
}

impl Lacks {
    /// Notes that a feature is missing. Others than these are missed by the machine alone.
    pub fn note(&mut self, feature: &str) {
        match feature {
            "decode-assist" => self.decode_assist = true,
            "trap-filter" => self.trap_filter = true,
            "timer-without-exit" => self.timer_without_exit = true,
            _ => {}
        }
    }

    /// Whether there is anything to make up for.
    pub const fn anything(self) -> bool {
        self.decode_assist || self.trap_filter || self.timer_without_exit
    }

    /// Whether the guest's timer exits: the trap filter decides about it, too.
    pub const fn timer(self) -> bool {
        self.timer_without_exit || self.trap_filter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_noted_by_name() {
        let mut lacks = Lacks::default();
        lacks.note("tlb-tags");
        lacks.note("");
        assert!(!lacks.anything());
        lacks.note("trap-filter");
        assert_eq!(lacks, Lacks { trap_filter: true, ..Lacks::default() });
        assert!(lacks.timer(), "the filter would have let the timer pass");
        assert!(Lacks { timer_without_exit: true, ..Lacks::default() }.timer());
        assert!(!Lacks { decode_assist: true, ..Lacks::default() }.timer());
    }
}

//! The wire to the debugger: a thread reads, so that a running machine need not.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use gdbstub::conn::Connection;

/// Packets are small; a debugger that sends more waits for answers.
const CHUNK_BYTES: usize = 4096;
const CHUNKS_AHEAD: usize = 16;
/// How long a debugger may leave an answer unread that the host has no room for.
const WRITE_PATIENCE: Duration = Duration::from_millis(80);

/// What [`Link::receive`] got.
pub enum Received {
    /// A byte.
    Byte(u8),
    /// Nothing in time.
    Nothing,
    /// The debugger has closed the connection.
    Closed,
}

/// A connection.
pub struct Link {
    stream: TcpStream,
    chunks: Receiver<Vec<u8>>,
    /// What has come and was not taken, the next byte last.
    pending: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Link {
    /// Starts to read.
    pub fn new(stream: TcpStream) -> std::io::Result<Link> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        // A debugger that does not read is lost, rather than waited for.
        stream.set_write_timeout(Some(WRITE_PATIENCE))?;
        let mut reader = stream.try_clone()?;
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        std::thread::Builder::new().name("gdb".into()).spawn(move || {
            let mut chunk = vec![0; CHUNK_BYTES];
            loop {
                match reader.read(&mut chunk) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => return,
                    Ok(length) => {
                        if sender.send(chunk[..length].to_vec()).is_err() {
                            return;
                        }
                    }
                }
            }
        })?;
        Ok(Link { stream, chunks, pending: Vec::new(), outgoing: Vec::new() })
    }

    /// The next byte, if it comes within a time.
    pub fn receive(&mut self, longest: Duration) -> Received {
        if self.pending.is_empty() {
            match self.chunks.recv_timeout(longest) {
                Ok(chunk) => self.pending.extend(chunk.into_iter().rev()),
                Err(RecvTimeoutError::Timeout) => return Received::Nothing,
                Err(RecvTimeoutError::Disconnected) => return Received::Closed,
            }
        }
        self.pending.pop().map_or(Received::Nothing, Received::Byte)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Ends the reading thread; a connection that is gone already is fine.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Connection for Link {
    type Error = std::io::Error;

    fn write(&mut self, byte: u8) -> std::io::Result<()> {
        self.outgoing.push(byte);
        Ok(())
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.outgoing.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Write::write_all(&mut self.stream, &self.outgoing)?;
        self.outgoing.clear();
        Ok(())
    }
}

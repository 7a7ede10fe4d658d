//! Carrying messages to name servers and back.

use model::resolvers::Nameserver;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

/// How long a TCP connection is kept without anything to ask.
const IDLE: Duration = Duration::from_secs(5);
/// How long connecting over TCP may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Room for answers that come at once, in bytes.
const RECEIVE_BUFFER: usize = 1 << 20;
/// The longest message over TCP, its length in front of it included.
const LONGEST: usize = 2 + 65_535;

/// Something came from a name server.
#[derive(Debug)]
pub enum Arrival {
    /// A datagram.
    Datagram(usize, Vec<u8>),
    /// A message over TCP.
    Message(usize, Vec<u8>),
    /// A TCP connection is over; what was asked over it will not be answered.
    Closed(usize),
}

/// The ways to all name servers of a section.
pub struct Transport {
    servers: Vec<Way>,
    arrivals: UnboundedSender<Arrival>,
    payload_size: usize,
}

/// The ways to one name server, each opened when it is needed.
struct Way {
    nameserver: Nameserver,
    datagrams: Option<(Rc<UdpSocket>, AbortHandle)>,
    stream: Option<(UnboundedSender<Vec<u8>>, AbortHandle)>,
}

impl Drop for Way {
    fn drop(&mut self) {
        let datagrams = self.datagrams.iter().map(|(_, task)| task);
        for task in datagrams.chain(self.stream.iter().map(|(_, task)| task)) {
            task.abort();
        }
    }
}

impl Transport {
    /// The ways to some name servers, and where arrivals come out.
    pub fn new(
        nameservers: &[Nameserver],
        payload_size: u16,
    ) -> (Self, UnboundedReceiver<Arrival>) {
        let (arrivals, receiver) = unbounded_channel();
        let way = |nameserver: &Nameserver| Way {
            nameserver: nameserver.clone(),
            datagrams: None,
            stream: None,
        };
        let transport = Self {
            servers: nameservers.iter().map(way).collect(),
            arrivals,
            payload_size: payload_size.into(),
        };
        (transport, receiver)
    }

    /// Sends a message as the name server's configuration says.
    ///
    /// # Errors
    /// When the system can't send it.
    pub fn send(&mut self, at: usize, message: &[u8]) -> io::Result<()> {
        let Some(way) = self.servers.get_mut(at) else {
            return Ok(());
        };
        if way.nameserver.stream {
            self.send_stream(at, message);
            return Ok(());
        }
        let socket = match &way.datagrams {
            Some((socket, _)) => socket.clone(),
            None => {
                let socket = Rc::new(datagram_socket(way.nameserver.address)?);
                let reading = receive(at, socket.clone(), self.payload_size, self.arrivals.clone());
                let task = tokio::task::spawn_local(reading).abort_handle();
                way.datagrams = Some((socket.clone(), task));
                socket
            }
        };
        // What the system has no room for is lost like a datagram on its way, and asked again.
        rustix::net::send(&*socket, message, rustix::net::SendFlags::empty())?;
        Ok(())
    }

    /// Sends a message over TCP; when it can't be, [`Arrival::Closed`] comes.
    pub fn send_stream(&mut self, at: usize, message: &[u8]) {
        let Some(way) = self.servers.get_mut(at) else {
            return;
        };
        let mut message = message.to_vec();
        if let Some((queue, _)) = &way.stream {
            match queue.send(message) {
                Ok(()) => return,
                Err(unsent) => message = unsent.0,
            }
        }
        let (queue, messages) = unbounded_channel();
        let connection = Connection {
            at,
            arrivals: self.arrivals.clone(),
        };
        let serving = connection.serve(way.nameserver.address, messages);
        let task = tokio::task::spawn_local(serving).abort_handle();
        let _ = queue.send(message);
        way.stream = Some((queue, task));
    }
}

/// A socket that hears nobody but the name server.
fn datagram_socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    socket.connect(address)?;
    // Thousands of names may be answered at once; without room for all of them some are asked for again.
    let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER);
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

async fn receive(
    at: usize,
    socket: Rc<UdpSocket>,
    payload_size: usize,
    arrivals: UnboundedSender<Arrival>,
) {
    // One more than may come, so that what is too long shows.
    let mut buffer = vec![0; payload_size + 1];
    loop {
        match socket.recv(&mut buffer).await {
            Ok(length) => {
                let message = buffer.get(..length).unwrap_or_default().to_vec();
                if arrivals.send(Arrival::Datagram(at, message)).is_err() {
                    return;
                }
            }
            // Such as an earlier datagram that nobody took: the next one may find somebody.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

struct Connection {
    at: usize,
    arrivals: UnboundedSender<Arrival>,
}

impl Connection {
    async fn serve(mut self, address: SocketAddr, messages: UnboundedReceiver<Vec<u8>>) {
        if let Ok(Ok(stream)) = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
            let _ = stream.set_nodelay(true);
            // How it ended makes no difference.
            let _ = self.exchange(&stream, messages).await;
        }
        let _ = self.arrivals.send(Arrival::Closed(self.at));
    }

    async fn exchange(
        &mut self,
        stream: &TcpStream,
        mut messages: UnboundedReceiver<Vec<u8>>,
    ) -> io::Result<()> {
        let mut input = Vec::new();
        let mut output = Vec::new();
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Some(message) => queue(&message, &mut output),
                    None => return Ok(()),
                },
                ready = stream.writable(), if !output.is_empty() => {
                    ready?;
                    write(stream, &mut output)?;
                }
                ready = stream.readable() => {
                    ready?;
                    if !read(stream, &mut input)? || !self.deliver(&mut input) {
                        return Ok(());
                    }
                }
                () = tokio::time::sleep(IDLE) => return Ok(()),
            }
        }
    }

    /// Hands complete messages on; says whether the connection may go on.
    fn deliver(&mut self, input: &mut Vec<u8>) -> bool {
        while let Some(length) = input.first_chunk().map(|head| u16::from_be_bytes(*head)) {
            let end = 2 + usize::from(length);
            let Some(message) = input.get(2..end) else {
                return true;
            };
            let arrival = Arrival::Message(self.at, message.to_vec());
            if self.arrivals.send(arrival).is_err() {
                return false;
            }
            input.drain(..end);
        }
        true
    }
}

/// Puts a message behind its length (RFC 1035, section 4.2.2).
fn queue(message: &[u8], output: &mut Vec<u8>) {
    if let Ok(length) = u16::try_from(message.len()) {
        output.extend_from_slice(&length.to_be_bytes());
        output.extend_from_slice(message);
    }
}

fn write(stream: &TcpStream, output: &mut Vec<u8>) -> io::Result<()> {
    match stream.try_write(output) {
        Ok(written) => {
            output.drain(..written);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

/// Reads what is there; `false` at the end.
fn read(stream: &TcpStream, input: &mut Vec<u8>) -> io::Result<bool> {
    let mut piece = [0; 4096];
    while input.len() < LONGEST {
        match stream.try_read(&mut piece) {
            Ok(0) => return Ok(false),
            Ok(length) => input.extend_from_slice(piece.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

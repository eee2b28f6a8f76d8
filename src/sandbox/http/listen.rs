//! The listening socket, plain or with TLS, with connections that a fault can cut without an answer.
//!
//! A TLS handshake is made by the connection's own task at its first read, so that a slow or silent
//! peer keeps nobody waiting.

use std::{
    future::Future as _,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::{extract::connect_info::Connected, serve::IncomingStream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};

/// A listener whose connections can be cut.
pub struct Listener {
    pub socket: TcpListener,
    pub tls: Option<TlsAcceptor>,
}

/// The handle to cut one connection.
#[derive(Debug, Clone, Default)]
pub struct Wire(Arc<AtomicBool>);

impl Wire {
    /// From now on nothing can be written; the peer sees the connection end.
    pub fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }
}

enum Line {
    Plain(TcpStream),
    Handshake(Box<Accept<TcpStream>>),
    Tls(Box<TlsStream<TcpStream>>),
    /// The handshake failed.
    Closed,
}

/// A connection.
pub struct Stream {
    line: Line,
    wire: Wire,
}

impl axum::serve::Listener for Listener {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (tcp, addr) = axum::serve::Listener::accept(&mut self.socket).await;
        // Without it small answers wait for an acknowledgement; a failure costs speed only.
        let _ = tcp.set_nodelay(true);
        let line = match &self.tls {
            None => Line::Plain(tcp),
            Some(tls) => Line::Handshake(Box::new(tls.accept(tcp))),
        };
        let wire = Wire::default();
        (Stream { line, wire }, addr)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.socket.local_addr()
    }
}

impl Connected<IncomingStream<'_, Listener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().wire.clone()
    }
}

impl Stream {
    fn check(&self) -> io::Result<()> {
        match self.wire.0.load(Ordering::Acquire) {
            true => Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "cut by a fault",
            )),
            false => Ok(()),
        }
    }

    /// Goes on with the handshake, if there is one.
    fn ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Line::Handshake(accept) = &mut self.line else {
            return Poll::Ready(Ok(()));
        };
        let (line, result) = match Pin::new(accept.as_mut()).poll(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(stream)) => (Line::Tls(Box::new(stream)), Ok(())),
            Poll::Ready(Err(error)) => (Line::Closed, Err(error)),
        };
        self.line = line;
        Poll::Ready(result)
    }
}

fn closed<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.ready(cx))?;
        match &mut self.line {
            Line::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Line::Tls(tls) => Pin::new(tls.as_mut()).poll_read(cx, buf),
            Line::Handshake(_) | Line::Closed => closed(),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        ready!(self.ready(cx))?;
        match &mut self.line {
            Line::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Line::Tls(tls) => Pin::new(tls.as_mut()).poll_write(cx, buf),
            Line::Handshake(_) | Line::Closed => closed(),
        }
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        ready!(self.ready(cx))?;
        match &mut self.line {
            Line::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Line::Tls(tls) => Pin::new(tls.as_mut()).poll_write_vectored(cx, bufs),
            Line::Handshake(_) | Line::Closed => closed(),
        }
    }
    fn is_write_vectored(&self) -> bool {
        match &self.line {
            Line::Plain(tcp) => tcp.is_write_vectored(),
            _ => false,
        }
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.line {
            Line::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Line::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(cx),
            Line::Handshake(_) | Line::Closed => Poll::Ready(Ok(())),
        }
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.line {
            Line::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Line::Tls(tls) => Pin::new(tls.as_mut()).poll_shutdown(cx),
            Line::Handshake(_) | Line::Closed => Poll::Ready(Ok(())),
        }
    }
}

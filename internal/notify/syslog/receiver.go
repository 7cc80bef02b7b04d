package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

const (
	longestMessage  = 8192 // bytes, as every receiver should take (RFC 5425, section 4.3.1)
	longestDatagram = 1180 // bytes, as every network carries whole (RFC 5426, section 3.2)
	timeout         = 15 * time.Second
	farewell        = 3 * time.Second // for the receiver to close its side
	mostAnswer      = 64 << 10        // bytes that a receiver may say, which has nothing to say
)

// Receiver is where messages go.
type Receiver struct {
	Network string // tcp or udp
	Address string
	TLS     *tls.Config                                            // nil for none
	Control func(network, address string, c syscall.RawConn) error // refuses addresses; nil refuses none
}

// Send writes one message. Syslog has no receipt: the answer says what was written, and
// whether the receiver closed its side in order, which it does after it read.
func (r *Receiver) Send(ctx context.Context, m *Message) (string, error) {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	conn, err := (&net.Dialer{Control: r.Control}).DialContext(ctx, r.Network, r.Address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	until, _ := ctx.Deadline() // set above
	if err := conn.SetDeadline(until); err != nil {
		return "", err
	}
	if r.Network == "udp" {
		n, err := conn.Write(m.Bytes(longestDatagram))
		return fmt.Sprintf("%d bytes sent by UDP; nobody says whether they arrived", n), err
	}
	by := "TCP"
	if r.TLS != nil {
		secured := tls.Client(conn, r.TLS)
		if err := secured.HandshakeContext(ctx); err != nil {
			return "", err
		}
		conn, by = secured, tls.VersionName(secured.ConnectionState().Version)
	}
	return stream(conn, m.Bytes(longestMessage), by)
}

// stream writes a frame, ends our side and waits for the receiver to end its own: one that
// went away without reading has done neither.
func stream(conn net.Conn, message []byte, by string) (string, error) {
	if _, err := conn.Write(Frame(message)); err != nil {
		return "", err
	}
	said := fmt.Sprintf("%d bytes written by %s", len(message), by)
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			return "", err
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(farewell)); err != nil {
		return "", err
	}
	_, err := io.Copy(io.Discard, io.LimitReader(conn, mostAnswer))
	var late net.Error
	switch {
	case err == nil:
		return said + ", and the receiver closed in order", nil
	case errors.As(err, &late) && late.Timeout():
		return said + "; the receiver did not close", nil
	}
	return "", fmt.Errorf("the receiver broke off: %w", err)
}

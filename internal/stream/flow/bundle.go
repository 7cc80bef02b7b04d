package flow

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A bundle is one message of the broker with several of the flow in it, of one partition. The
// broker's work is by the message: it writes, delivers and forgets a bundle for about the
// price of one. Its ID says that it is one, also when it was put aside by a process that
// cannot read it and is given back; the data has of each message
//
//	length of the ID (uvarint), ID, length of the data (uvarint), data
const (
	bundlePrefix = "bundle-"
	mostBundled  = 256       // messages in a bundle
	bundleBytes  = 256 << 10 // and bytes, but for one message that is larger
)

// envelope is a message of the broker on its way out.
type envelope struct {
	partition int
	id        string
	data      []byte
	bundled   int // messages in it; 0: it is one itself
}

// pack puts messages of the same partition together. The same message goes once.
func pack(messages []Message) []envelope {
	type name struct {
		partition int
		id        string
	}
	known := make(map[name]bool, len(messages))
	open := map[int][]Message{}
	size := map[int]int{}
	var order []int // partitions, by their first message
	var out []envelope
	for _, m := range messages {
		if known[name{m.Partition, m.ID}] {
			continue
		}
		known[name{m.Partition, m.ID}] = true
		these, more := open[m.Partition], len(m.ID)+len(m.Data)+2*binary.MaxVarintLen32
		if len(these) > 0 && (len(these) >= mostBundled || size[m.Partition]+more > bundleBytes) {
			out = append(out, seal(these))
			these, size[m.Partition] = nil, 0
		}
		if open[m.Partition] == nil {
			order = append(order, m.Partition)
		}
		open[m.Partition], size[m.Partition] = append(these, m), size[m.Partition]+more
	}
	for _, p := range order {
		out = append(out, seal(open[p]))
	}
	return out
}

// seal makes one message of some of a partition. The same messages make the same.
func seal(these []Message) envelope {
	if len(these) == 1 {
		return envelope{partition: these[0].Partition, id: these[0].ID, data: these[0].Data}
	}
	size := 0
	for _, m := range these {
		size += len(m.ID) + len(m.Data) + 2*binary.MaxVarintLen32
	}
	out := envelope{partition: these[0].Partition, bundled: len(these), data: make([]byte, 0, size)}
	ids := sha256.New()
	for _, m := range these {
		ids.Write(binary.AppendUvarint(nil, uint64(len(m.ID))))
		ids.Write([]byte(m.ID))
		out.data = append(binary.AppendUvarint(out.data, uint64(len(m.ID))), m.ID...)
		out.data = append(binary.AppendUvarint(out.data, uint64(len(m.Data))), m.Data...)
	}
	out.id = bundlePrefix + hex.EncodeToString(ids.Sum(nil)[:16])
	return out
}

// message is what the broker is given.
func (e *envelope) message() *nats.Msg {
	return &nats.Msg{Subject: eventSubject + strconv.Itoa(e.partition), Data: e.data}
}

var errNoBundle = errors.New("flow: not a bundle")

// unpack reads what seal wrote. The messages share its data.
func unpack(partition int, data []byte) ([]Message, error) {
	var out []Message
	for len(data) > 0 {
		id, rest, ok := field(data)
		if !ok || len(out) == mostBundled {
			return nil, errNoBundle
		}
		content, rest, ok := field(rest)
		if !ok {
			return nil, errNoBundle
		}
		out, data = append(out, Message{Partition: partition, ID: string(id), Data: content}), rest
	}
	return out, nil
}

// field takes one text off.
func field(data []byte) (text, rest []byte, ok bool) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)-size) {
		return nil, nil, false
	}
	end := size + int(n)
	return data[size:end:end], data[end:], true
}

// parcel is a message of the broker that was delivered, with one message of the flow in it or
// a bundle of them.
type parcel struct {
	jetstream.Msg
	number uint64 // in the stream
	bundle bool
	left   int  // messages in it that are not seen to their end
	back   bool // it was given back: it comes again, whatever becomes of what is in it
}

// open gives the messages of a parcel. A bundle that cannot be read is a message itself, which
// nobody will understand.
func open(p *parcel, whole Message) []delivery {
	list := []Message{whole}
	if strings.HasPrefix(whole.ID, bundlePrefix) {
		if in, err := unpack(whole.Partition, whole.Data); err == nil && len(in) > 0 {
			list, p.bundle = in, true
		}
	}
	out := make([]delivery, len(list))
	for i, m := range list {
		m.Delivered = whole.Delivered
		out[i] = delivery{m, p}
	}
	p.left = len(list)
	return out
}

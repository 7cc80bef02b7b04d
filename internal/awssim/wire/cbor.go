package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// CBOR writes the node in RFC 8949, as Smithy's RPC v2 protocol asks for: times are
// tag 1 over seconds since 1970.
func (n Node) CBOR() []byte { return n.appendCBOR(nil) }

func (n Node) appendCBOR(b []byte) []byte {
	switch n.kind {
	case text:
		return append(appendHead(b, 3, uint64(len(n.text))), n.text...)
	case integer:
		if n.integer < 0 {
			return appendHead(b, 1, uint64(-(n.integer + 1)))
		}
		return appendHead(b, 0, uint64(n.integer))
	case float:
		return appendFloat(b, n.float)
	case boolean:
		if n.boolean {
			return append(b, 0xf5)
		}
		return append(b, 0xf4)
	case moment:
		return appendFloat(append(b, 0xc1), float64(n.time.UnixMilli())/1000)
	case blob:
		return append(appendHead(b, 2, uint64(len(n.blob))), n.blob...)
	case list:
		b = appendHead(b, 4, uint64(len(n.list)))
		for _, e := range n.list {
			b = e.appendCBOR(b)
		}
		return b
	case object, table:
		b = appendHead(b, 5, uint64(len(n.fields)))
		for _, f := range n.fields {
			b = append(appendHead(b, 3, uint64(len(f.name))), f.name...)
			b = f.value.appendCBOR(b)
		}
		return b
	}
	return append(b, 0xf6)
}

func appendFloat(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0xfb), math.Float64bits(f))
}

func appendHead(b []byte, major byte, n uint64) []byte {
	m := major << 5
	switch {
	case n < 24:
		return append(b, m|byte(n))
	case n <= math.MaxUint8:
		return append(b, m|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, m|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, m|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, m|27), n)
}

// ParseCBOR reads a request's body into maps, lists, strings, numbers (int64 or
// float64), booleans, times and bytes. An empty body is an empty object.
func ParseCBOR(body []byte) (any, error) {
	if len(body) == 0 {
		return map[string]any{}, nil
	}
	d := cborDecoder{body}
	tree, err := d.value(0)
	if err == nil && len(d.rest) > 0 {
		err = errors.New("bytes follow the value")
	}
	if err != nil {
		return nil, fmt.Errorf("body is not CBOR: %w", err)
	}
	return tree, nil
}

type cborDecoder struct{ rest []byte }

var (
	errShort = errors.New("it ends early")
	errBreak = errors.New("a break stands where a value is due")
)

// indefinite is the length of what ends with a break.
const indefinite = math.MaxUint64

func (d *cborDecoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.rest)) {
		return nil, errShort
	}
	out := d.rest[:n]
	d.rest = d.rest[n:]
	return out, nil
}

// head reads the major type, the low five bits and the argument.
func (d *cborDecoder) head() (major, low byte, n uint64, err error) {
	first, err := d.take(1)
	if err != nil {
		return 0, 0, 0, err
	}
	major, low = first[0]>>5, first[0]&31
	switch {
	case low < 24:
		return major, low, uint64(low), nil
	case low == 31:
		return major, low, indefinite, nil
	case low > 27:
		return 0, 0, 0, fmt.Errorf("byte %#x means nothing", first[0])
	}
	raw, err := d.take(1 << (low - 24))
	if err != nil {
		return 0, 0, 0, err
	}
	for _, c := range raw {
		n = n<<8 | uint64(c)
	}
	return major, low, n, nil
}

func (d *cborDecoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deep")
	}
	major, low, n, err := d.head()
	if err != nil {
		return nil, err
	}
	if low == 31 && (major < 2 || major == 6) {
		return nil, fmt.Errorf("major type %d has no length", major)
	}
	switch major {
	case 0:
		if n > math.MaxInt64 {
			return float64(n), nil
		}
		return int64(n), nil
	case 1:
		if n > math.MaxInt64 {
			return -1 - float64(n), nil
		}
		return -1 - int64(n), nil
	case 2, 3:
		raw, err := d.text(major, n)
		if major == 3 && err == nil {
			return string(raw), nil
		}
		return raw, err
	case 4:
		return d.list(n, depth)
	case 5:
		return d.object(n, depth)
	case 6:
		return d.tagged(n, depth)
	}
	return simple(low, n)
}

// text reads bytes or text, in one piece or in many.
func (d *cborDecoder) text(major byte, n uint64) ([]byte, error) {
	if n != indefinite {
		return d.take(n)
	}
	var out []byte
	for !d.atBreak() {
		m, _, size, err := d.head()
		if err != nil {
			return nil, err
		}
		if m != major || size == indefinite {
			return nil, errors.New("a piece of text is none")
		}
		piece, err := d.take(size)
		if err != nil {
			return nil, err
		}
		out = append(out, piece...)
	}
	return out, nil
}

// atBreak says whether a break comes next, and skips it.
func (d *cborDecoder) atBreak() bool {
	if len(d.rest) > 0 && d.rest[0] == 0xff {
		d.rest = d.rest[1:]
		return true
	}
	return false
}

func (d *cborDecoder) list(n uint64, depth int) (any, error) {
	out := []any{}
	for i := uint64(0); i < n; i++ {
		if n == indefinite && d.atBreak() {
			break
		}
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (d *cborDecoder) object(n uint64, depth int) (any, error) {
	out := map[string]any{}
	for i := uint64(0); i < n; i++ {
		if n == indefinite && d.atBreak() {
			break
		}
		k, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if !ok {
			return nil, errors.New("the key of a map is no text")
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("key %q is there twice", key)
		}
		if out[key], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *cborDecoder) tagged(tag uint64, depth int) (any, error) {
	v, err := d.value(depth + 1)
	if err != nil || tag != 1 {
		return v, err
	}
	switch n := v.(type) {
	case int64:
		return time.Unix(n, 0).UTC(), nil
	case float64:
		// Outside of these the conversion to milliseconds is not defined.
		if math.Abs(n) < 1e14 {
			return time.UnixMilli(int64(math.Round(n * 1000))).UTC(), nil
		}
	}
	return nil, errors.New("tag 1 is over no time")
}

func simple(low byte, n uint64) (any, error) {
	switch low {
	case 20, 21:
		return low == 21, nil
	case 22, 23:
		return nil, nil
	case 25:
		return halfFloat(uint16(n)), nil
	case 26:
		return float64(math.Float32frombits(uint32(n))), nil
	case 27:
		return math.Float64frombits(n), nil
	case 31:
		return nil, errBreak
	}
	return nil, fmt.Errorf("simple value %d means nothing", n)
}

func halfFloat(h uint16) float64 {
	sign, exponent, fraction := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// JSON writes the node as JSON text.
func (n Node) JSON() []byte { return n.appendJSON(nil) }

func (n Node) appendJSON(b []byte) []byte {
	switch n.kind {
	case text:
		return appendQuoted(b, n.text)
	case integer:
		return strconv.AppendInt(b, n.integer, 10)
	case float:
		return strconv.AppendFloat(b, n.float, 'f', -1, 64)
	case boolean:
		return strconv.AppendBool(b, n.boolean)
	case moment:
		if n.format == Epoch {
			return append(b, epochText(n.time)...)
		}
		return appendQuoted(b, timeText(n.time, n.format))
	case blob:
		return appendQuoted(b, base64.StdEncoding.EncodeToString(n.blob))
	case list:
		b = append(b, '[')
		for i, e := range n.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.appendJSON(b)
		}
		return append(b, ']')
	case object, table:
		b = append(b, '{')
		for i, f := range n.fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, f.name), ':')
			b = f.value.appendJSON(b)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

func epochText(t time.Time) string {
	return strings.TrimSuffix(fmt.Sprintf("%d.%03d", t.Unix(), t.Nanosecond()/1e6), ".000")
}

func appendQuoted(b []byte, s string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // text always encodes
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

// ParseJSON reads the body of a JSON request into maps, lists, strings, numbers and
// booleans. An empty body is an empty object.
func ParseJSON(body []byte) (any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return map[string]any{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("body is not JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("body has more than one JSON value")
	}
	return tree, nil
}

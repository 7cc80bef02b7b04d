package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// XML writes the node's fields as XML elements without an element around them. item
// is the name of list elements that have none of their own.
func (n Node) XML(item string) []byte {
	var b bytes.Buffer
	n.writeXML(&b, item)
	return b.Bytes()
}

func (n Node) writeXML(b *bytes.Buffer, item string) {
	switch n.kind {
	case text:
		_ = xml.EscapeText(b, []byte(n.text)) // a Buffer takes everything
	case integer:
		b.WriteString(strconv.FormatInt(n.integer, 10))
	case float:
		b.WriteString(strconv.FormatFloat(n.float, 'f', -1, 64))
	case boolean:
		b.WriteString(strconv.FormatBool(n.boolean))
	case moment:
		b.WriteString(timeText(n.time, n.format))
	case blob:
		b.WriteString(base64.StdEncoding.EncodeToString(n.blob))
	case table:
		for _, f := range n.fields {
			b.WriteString("<entry><key>")
			_ = xml.EscapeText(b, []byte(f.name))
			b.WriteString("</key><value>")
			f.value.writeXML(b, item)
			b.WriteString("</value></entry>")
		}
	case list:
		for _, e := range n.list {
			e.element(b, item, "", item)
		}
	case object:
		for _, f := range n.fields {
			f.writeXML(b, item)
		}
	}
}

func (f field) writeXML(b *bytes.Buffer, item string) {
	own := f.item
	if own == "" {
		own = item
	}
	switch {
	case f.attr:
	case f.value.kind == list && f.flat:
		for _, e := range f.value.list {
			e.element(b, f.name, "", item)
		}
	case f.value.kind == list:
		b.WriteString("<" + f.name + ">")
		for _, e := range f.value.list {
			e.element(b, own, "", item)
		}
		b.WriteString("</" + f.name + ">")
	default:
		f.value.element(b, f.name, "", item)
	}
}

// element writes the node in an element of a name. A member with the option attr is
// an attribute of it: the xsi:type of an S3 grantee is the only one that AWS has.
func (n Node) element(b *bytes.Buffer, name, extra, item string) {
	for _, f := range n.fields {
		if f.attr {
			var v bytes.Buffer
			_ = xml.EscapeText(&v, []byte(f.value.text))
			extra += ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:` + f.name + `="` + v.String() + `"`
		}
	}
	b.WriteString("<" + name + extra + ">")
	n.writeXML(b, item)
	b.WriteString("</" + name + ">")
}

// maxDepth bounds how deep a request may nest.
const maxDepth = 32

// ParseXML reads the body of a request: the content of its outermost element as maps
// of child elements, lists where a name repeats, and text.
func ParseXML(body []byte) (any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return map[string]any{}, nil
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("body is not XML: %w", err)
		}
		if _, ok := token.(xml.StartElement); !ok {
			continue
		}
		tree, err := xmlTree(d, 0)
		if err != nil {
			return nil, fmt.Errorf("body is not XML: %w", err)
		}
		if _, err := d.Token(); err != io.EOF && err != nil {
			return nil, fmt.Errorf("body is not XML: %w", err)
		}
		return tree, nil
	}
}

func xmlTree(d *xml.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deep")
	}
	var chars bytes.Buffer
	var children map[string]any
	for {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.CharData:
			chars.Write(t)
		case xml.StartElement:
			child, err := xmlTree(d, depth+1)
			if err != nil {
				return nil, err
			}
			if children == nil {
				children = map[string]any{}
			}
			addChild(children, t.Name.Local, child)
		case xml.EndElement:
			if children != nil {
				return children, nil
			}
			return chars.String(), nil
		}
	}
}

// repeated is a list made of elements of the same name.
type repeated []any

func addChild(children map[string]any, name string, child any) {
	switch old := children[name].(type) {
	case nil:
		children[name] = child
	case repeated:
		children[name] = append(old, child)
	default:
		children[name] = repeated{old, child}
	}
}

package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxText bounds a JSON text that an expression reads, bytes: the longest policy of AWS
// has 32 KiB, the longest of them escaped three times that.
const maxText = 256 << 10

// documentFunctions read, write and put together documents:
//
//   - parse(text) is the JSON of a text, which may be escaped for URLs as IAM's policies are;
//   - json(value) is a value as JSON, members in order;
//   - overlay(map, map) is the first with the members of the second.
func documentFunctions() []cel.EnvOption {
	dyn := cel.DynType
	return []cel.EnvOption{
		cel.Function("parse", cel.Overload("parse_text", []*cel.Type{cel.StringType}, dyn, cel.UnaryBinding(func(v ref.Val) ref.Val {
			return result(parse(string(v.(types.String))))
		}))),
		cel.Function("json", cel.Overload("json_value", []*cel.Type{dyn}, cel.StringType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			p, err := plain(v)
			if err != nil {
				return types.WrapErr(err)
			}
			text, err := Encode(p)
			return result(string(text), err)
		}))),
		cel.Function("overlay", cel.Overload("overlay_maps", []*cel.Type{dyn, dyn}, dyn, cel.BinaryBinding(func(a, b ref.Val) ref.Val {
			under, err := object(a)
			if err != nil {
				return types.WrapErr(err)
			}
			over, err := object(b)
			for k, v := range over {
				under[k] = v
			}
			return result(under, err)
		}))),
	}
}

func result(v any, err error) ref.Val {
	if err != nil {
		return types.WrapErr(err)
	}
	return celValue(v)
}

// object is a map that may be written to; of null it is empty.
func object(v ref.Val) (map[string]any, error) {
	p, err := plain(v)
	if m, ok := p.(map[string]any); ok && err == nil {
		return m, nil
	}
	if p == nil && err == nil {
		return map[string]any{}, nil
	}
	return nil, errors.Join(err, fmt.Errorf("got %T, want a map", p))
}

// parse reads a JSON text. Whole numbers are int64.
func parse(text string) (any, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("a document of %d bytes, at most %d", len(text), maxText)
	}
	if strings.HasPrefix(text, "%7B") || strings.HasPrefix(text, "%7b") {
		var err error
		if text, err = url.PathUnescape(text); err != nil {
			return nil, fmt.Errorf("a document: %w", err)
		}
	}
	return ParseJSON([]byte(text))
}

// ParseJSON reads one JSON value into maps, lists, texts, booleans, nil and numbers:
// int64 where they are whole, float64 otherwise.
func ParseJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the JSON value")
	}
	return Whole(v, 0)
}

// Whole turns the numbers of decoded JSON, json.Number, into int64 where they are whole,
// float64 otherwise. Maps and lists are changed in place.
func Whole(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("a JSON value is nested too deeply")
	}
	var err error
	switch x := v.(type) {
	case map[string]any:
		for k := range x {
			if x[k], err = Whole(x[k], depth+1); err != nil {
				return nil, err
			}
		}
	case []any:
		for i := range x {
			if x[i], err = Whole(x[i], depth+1); err != nil {
				return nil, err
			}
		}
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n, nil
		}
		return x.Float64()
	}
	return v, nil
}

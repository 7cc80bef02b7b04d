package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// render makes the request for a notice at a time.
func (n *Notifier) render(settings map[string]Secret, notice Notice, at time.Time) (*Rendered, error) {
	text, err := json.Marshal(notice)
	if err != nil {
		return nil, err
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	put := func(text string) (any, error) {
		if text == "${notice}" {
			return notice, nil
		}
		return slot.ReplaceAllStringFunc(text, func(s string) string {
			of, name, _ := strings.Cut(s[2:len(s)-1], ".")
			if of == "settings" {
				return settings[name].text
			}
			value, _ := members[name].(string) // account may be left out
			return value
		}), nil
	}
	out := &Rendered{Headers: map[string]string{}}
	if out.URL, err = n.address(put); err != nil {
		return nil, err
	}
	for name, h := range n.Request.Headers {
		v, _ := put(h) // it gives no error
		value, _ := v.(string)
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, Final(fmt.Errorf("header %s: the notice has characters that a header cannot carry", name))
		}
		out.Headers[name] = value
	}
	body, err := fill(n.Request.Body, put)
	if err != nil {
		return nil, err
	}
	written, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	out.Body = string(written)
	if s := n.Request.Sign; s != nil {
		seconds := strconv.FormatInt(at.Unix(), 10)
		out.Headers[http.CanonicalHeaderKey(s.Timestamp)] = seconds
		out.Headers[http.CanonicalHeaderKey(s.Signature)] = s.Prefix + signature(settings[s.Secret], seconds, written)
	}
	return out, nil
}

// address is where the request goes: what a notice fills in must not lead it elsewhere.
func (n *Notifier) address(put func(string) (any, error)) (string, error) {
	if strings.Contains(n.Request.URL, "${notice") {
		return "", errors.New("the address of a request has parts of the notice in it")
	}
	v, err := put(n.Request.URL)
	if err != nil {
		return "", err
	}
	text, _ := v.(string)
	return text, checkAddress(text)
}

func signature(secret Secret, timestamp string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret.text))
	fmt.Fprintf(m, "%s.%s", timestamp, body) // a hash takes every write
	return hex.EncodeToString(m.Sum(nil))
}

const deepestBody = 20

// fill copies a value of YAML and puts in what its texts stand for.
func fill(v any, put func(string) (any, error)) (any, error) { return fillAt(v, put, 0) }

func fillAt(v any, put func(string) (any, error), depth int) (any, error) {
	if depth > deepestBody {
		return nil, fmt.Errorf("request: a body of more than %d levels", deepestBody)
	}
	switch v := v.(type) {
	case string:
		return put(v)
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			filled, err := fillAt(member, put, depth+1)
			if err != nil {
				return nil, err
			}
			out[name] = filled
		}
		return out, nil
	case []any:
		out := []any{}
		for _, member := range v {
			filled, err := fillAt(member, put, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, filled)
		}
		return out, nil
	case bool, nil, int, int64, uint64, float64:
		return v, nil
	}
	return nil, fmt.Errorf("request: a %T in the body, want texts, numbers, lists and maps", v)
}

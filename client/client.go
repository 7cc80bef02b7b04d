// Package client speaks to a rootkeep server: the values that server and client share,
// and a client that sends its token, tries again where that is safe, and gives the
// server's errors as *Problem.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds of a call.
const (
	tries       = 4
	longestWait = 30 * time.Second // before it is tried again
	callWithin  = 2 * time.Minute  // one try
	mostAnswer  = 256 << 20        // bytes
)

// Page is one page of a list.
type Page[T any] struct {
	Items []T `json:"items"`
	// Next is the cursor of the next page, empty on the last.
	Next string `json:"next,omitempty"`
}

// Notice is an event of the stream /api/v1/events: something changed.
type Notice struct {
	Topic string    `json:"topic"`
	Ref   string    `json:"ref"` // ID of what changed
	At    time.Time `json:"at"`
}

// Client speaks to one server. Make it with New. It is safe for concurrent use.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// New makes a client. server is the server's address, https or http on this machine;
// token goes with every call, empty for none. transport nil is http.DefaultTransport.
func New(server, token string, transport http.RoundTripper) (*Client, error) {
	u, err := url.Parse(server)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "":
		return nil, fmt.Errorf("server %q: want its address, such as https://rootkeep.example.com", server)
	case u.Scheme != "https" && (u.Scheme != "http" || !local(u.Hostname())):
		return nil, fmt.Errorf("server %q: want https: a token would be sent without encryption", server)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("the token has characters that no token has")
	}
	return &Client{
		base: &url.URL{Scheme: u.Scheme, Host: u.Host}, token: token,
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // the token is for this server
		}},
	}, nil
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// String is the server's address: the token prints nowhere.
func (c *Client) String() string { return c.base.String() }

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// Server is the server's address.
func (c *Client) Server() string { return c.base.String() }

// Call is one call of the API.
type Call struct {
	Method  string // empty is GET
	Path    string // below /api/v1, parts escaped: /findings
	Query   url.Values
	Body    any    // JSON; nil for none
	IfMatch string // ETag of the version that is changed
	// Key is the Idempotency-Key of a POST; empty for one that is made up. Give one to be
	// able to send the same again after the program was ended.
	Key string
}

// Answer is what came with the value of a call.
type Answer struct {
	ETag, Location string
	Replayed       bool // the server had done it before
}

// Do makes a call and reads its answer into out, unless that is nil. A server that is busy
// is asked again, as is one whose answer to a GET or a POST was lost. What the server
// refuses is a *Problem.
func (c *Client) Do(ctx context.Context, call Call, out any) (Answer, error) {
	if call.Method == "" {
		call.Method = http.MethodGet
	}
	if call.Method == http.MethodPost && call.Key == "" {
		call.Key = rand.Text()
	}
	var body []byte
	if call.Body != nil {
		var err error
		if body, err = json.Marshal(call.Body); err != nil {
			return Answer{}, fmt.Errorf("%s %s: %w", call.Method, call.Path, err)
		}
	}
	for try := 1; ; try++ {
		answer, wait, err := c.try(ctx, call, body, out)
		if err == nil || wait < 0 || try == tries {
			return answer, err
		}
		wait = max(wait, time.Duration(1<<try)*250*time.Millisecond)
		select {
		case <-time.After(min(wait, longestWait)):
		case <-ctx.Done():
			return answer, errors.Join(err, ctx.Err())
		}
	}
}

// try makes a call once. wait is how long to wait before it is worth another try, below
// zero if it is not.
func (c *Client) try(ctx context.Context, call Call, body []byte, out any) (_ Answer, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	r, err := c.request(ctx, call, body)
	if err != nil {
		return Answer{}, -1, err
	}
	response, err := c.http.Do(r)
	if err != nil {
		return Answer{}, c.lost(call), fmt.Errorf("%s %s%s: %w", call.Method, c.base, call.Path, unwrapURL(err))
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer+1))
	switch {
	case err != nil:
		return Answer{}, c.lost(call), fmt.Errorf("%s %s%s: %w", call.Method, c.base, call.Path, err)
	case len(text) > mostAnswer:
		return Answer{}, -1, fmt.Errorf("%s %s%s: the answer is larger than 256 MiB", call.Method, c.base, call.Path)
	case response.StatusCode >= 300:
		return Answer{}, again(response), c.refused(call, response, text)
	}
	answer := Answer{response.Header.Get("ETag"), response.Header.Get("Location"), response.Header.Get("Idempotency-Replayed") == "true"}
	if out != nil && len(text) > 0 {
		if err := json.Unmarshal(text, out); err != nil {
			return answer, -1, fmt.Errorf("%s %s%s: the answer is not what was expected: %w", call.Method, c.base, call.Path, err)
		}
	}
	return answer, 0, nil
}

func (c *Client) request(ctx context.Context, call Call, body []byte) (*http.Request, error) {
	u, err := url.Parse(c.base.String() + "/api/v1" + call.Path)
	if err != nil || u.Host != c.base.Host {
		return nil, fmt.Errorf("path %q does not lead to an operation", call.Path)
	}
	u.RawQuery = call.Query.Encode()
	r, err := http.NewRequestWithContext(ctx, call.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	set := func(name, value string) {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	set("Accept", "application/json")
	set("If-Match", call.IfMatch)
	set("Idempotency-Key", call.Key)
	if body != nil {
		set("Content-Type", "application/json")
	}
	if c.token != "" {
		set("Authorization", "Bearer "+c.token)
	}
	return r, nil
}

// lost is the wait after an answer that did not come: a change that has no key must not
// be made twice.
func (c *Client) lost(call Call) time.Duration {
	if call.Method == http.MethodGet || call.Key != "" {
		return 0
	}
	return -1
}

// again is the wait that the server asks for, below zero if another try is of no use.
func again(r *http.Response) time.Duration {
	if r.StatusCode != http.StatusTooManyRequests && r.StatusCode != http.StatusServiceUnavailable {
		return -1
	}
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

// refused is the error of an answer that is none.
func (c *Client) refused(call Call, r *http.Response, text []byte) error {
	p := &Problem{}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == ProblemType && json.Unmarshal(text, p) == nil {
		p.Status = r.StatusCode
		return p
	}
	return fmt.Errorf("%s %s%s: %s, and not the way rootkeep says it; hint: is this the address of a rootkeep server?", call.Method, c.base, call.Path, r.Status)
}

// unwrapURL takes the address out of an error, which has it already.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// Get reads a value.
func Get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	var out T
	_, err := c.Do(ctx, Call{Path: path, Query: query}, &out)
	return out, err
}

// All reads a list page by page. It ends after the first error.
func All[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q := url.Values{}
		for name, values := range query {
			q[name] = values
		}
		for {
			page, err := Get[Page[T]](ctx, c, path, q)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" || page.Next == q.Get("cursor") {
				return
			}
			q.Set("cursor", page.Next)
		}
	}
}

// Package sigv4 checks AWS Signature Version 4. A request and the secret of its access
// key go in; whether the signature holds, and the body without the framing of
// aws-chunked uploads, come out.
//
// Source: IAM User Guide, "AWS Signature Version 4 for API requests"; Amazon S3 API
// Reference, "Signature Calculations for the Authorization Header: Transferring
// Payload in Multiple Chunks" and "Authenticating Requests: Using Query Parameters".
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm = "AWS4-HMAC-SHA256"
	stamp     = "20060102T150405Z"
	// MaxSkew is how far the time of a signature may be from the clock.
	MaxSkew = 15 * time.Minute
	maxLife = 7 * 24 * time.Hour // of a presigned URL
)

// Why a signature does not hold; errors wrap one of these.
var (
	ErrUnsigned   = errors.New("request is not signed")
	ErrIncomplete = errors.New("signature is not complete")
	ErrMismatch   = errors.New("the request signature we calculated does not match the signature you provided")
	ErrSkewed     = errors.New("the difference between the request time and the current time is too large")
	ErrExpired    = errors.New("request has expired")
	ErrPayload    = errors.New("the provided x-amz-content-sha256 header does not match what was computed")
)

// Signature is what a request says about its signing.
type Signature struct {
	AccessKey, Region, Service string
	Token                      string // of a session, "" if there is none
	Time                       time.Time

	day, value string
	headers    []string
	payload    string // hash, or one of the words that stand for it
	presigned  bool
	life       time.Duration
}

// Parse reads the signature of a request from its header or, presigned, from its
// query. The error is ErrUnsigned when there is none.
func Parse(r *http.Request) (*Signature, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		return parseHeader(r, h)
	}
	if q := r.URL.Query(); q.Has("X-Amz-Signature") {
		return parseQuery(q)
	}
	return nil, ErrUnsigned
}

func parseHeader(r *http.Request, h string) (*Signature, error) {
	rest, ok := strings.CutPrefix(h, algorithm+" ")
	if !ok {
		return nil, fmt.Errorf("%w: want algorithm %s", ErrIncomplete, algorithm)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[k] = v
	}
	s := &Signature{
		Token: r.Header.Get("X-Amz-Security-Token"), value: parts["Signature"],
		headers: strings.Split(parts["SignedHeaders"], ";"), payload: r.Header.Get("X-Amz-Content-Sha256"),
	}
	at := r.Header.Get("X-Amz-Date")
	if at == "" {
		if t, err := http.ParseTime(r.Header.Get("Date")); err == nil {
			at = t.UTC().Format(stamp)
		}
	}
	return s, s.fill(parts["Credential"], at)
}

func parseQuery(q url.Values) (*Signature, error) {
	if q.Get("X-Amz-Algorithm") != algorithm {
		return nil, fmt.Errorf("%w: want X-Amz-Algorithm=%s", ErrIncomplete, algorithm)
	}
	s := &Signature{
		Token: q.Get("X-Amz-Security-Token"), value: q.Get("X-Amz-Signature"),
		headers: strings.Split(q.Get("X-Amz-SignedHeaders"), ";"), payload: unsignedPayload, presigned: true,
	}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || seconds < 1 || seconds > int(maxLife/time.Second) {
		return nil, fmt.Errorf("%w: X-Amz-Expires must be 1 to %d seconds", ErrIncomplete, int(maxLife/time.Second))
	}
	s.life = time.Duration(seconds) * time.Second
	return s, s.fill(q.Get("X-Amz-Credential"), q.Get("X-Amz-Date"))
}

// fill takes the credential scope, KEY/DAY/REGION/SERVICE/aws4_request, and the time.
func (s *Signature) fill(credential, at string) error {
	scope := strings.Split(credential, "/")
	if len(scope) != 5 || scope[4] != "aws4_request" || slices.Contains(scope, "") {
		return fmt.Errorf("%w: credential scope", ErrIncomplete)
	}
	s.AccessKey, s.day, s.Region, s.Service = scope[0], scope[1], scope[2], scope[3]
	t, err := time.Parse(stamp, at)
	if err != nil {
		return fmt.Errorf("%w: time %q", ErrIncomplete, at)
	}
	if s.Time = t; t.Format("20060102") != s.day {
		return fmt.Errorf("%w: date in the credential scope is not that of the request", ErrMismatch)
	}
	if s.value == "" || !slices.Contains(s.headers, "host") {
		return fmt.Errorf("%w: want Signature, and host among SignedHeaders", ErrIncomplete)
	}
	return nil
}

// Verify checks the signature with the key's secret at a time of the verifier's clock.
// It returns the body as it was before it was framed for upload.
func (s *Signature) Verify(r *http.Request, body []byte, secret string, now time.Time) ([]byte, error) {
	if err := s.inTime(now); err != nil {
		return nil, err
	}
	if err := s.headersSigned(r); err != nil {
		return nil, err
	}
	payload, err := s.payloadHash(r, body)
	if err != nil {
		return nil, err
	}
	key := signingKey(secret, s.day, s.Region, s.Service)
	if !hmac.Equal([]byte(s.sign(key, s.canonical(r, payload))), []byte(s.value)) {
		return nil, ErrMismatch
	}
	if !strings.HasPrefix(payload, streaming) {
		return body, nil
	}
	chunks := chunkReader{key: key, signature: s, previous: s.value, trailer: r.Header.Get("X-Amz-Trailer")}
	return chunks.read(body, payload)
}

func (s *Signature) inTime(now time.Time) error {
	switch {
	case s.presigned && now.After(s.Time.Add(s.life)):
		return ErrExpired
	case s.presigned && s.Time.After(now.Add(MaxSkew)), !s.presigned && now.Sub(s.Time).Abs() > MaxSkew:
		return ErrSkewed
	}
	return nil
}

// headersSigned refuses a header of AWS's that the signature does not cover.
func (s *Signature) headersSigned(r *http.Request) error {
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(s.headers, lower) {
			return fmt.Errorf("%w: header %s is not signed", ErrMismatch, lower)
		}
	}
	return nil
}

// payloadHash is what the canonical request says of the body.
func (s *Signature) payloadHash(r *http.Request, body []byte) (string, error) {
	switch {
	case s.payload == "" && s.Service == "s3":
		return "", fmt.Errorf("%w: S3 wants the header x-amz-content-sha256", ErrIncomplete)
	case s.payload == "":
		return hexSum(body), nil
	case s.payload == unsignedPayload, strings.HasPrefix(s.payload, streaming):
		return s.payload, nil
	case s.payload != hexSum(body):
		return "", ErrPayload
	}
	return s.payload, nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// canonical is the canonical request.
func (s *Signature) canonical(r *http.Request, payload string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + s.path(r) + "\n" + canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range s.headers {
		values := r.Header.Values(name)
		switch {
		case name == "host":
			values = []string{r.Host}
		case name == "content-length" && len(values) == 0:
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.Join(strings.Fields(v), " ")
		}
		b.WriteString(name + ":" + strings.Join(trimmed, ",") + "\n")
	}
	b.WriteString("\n" + strings.Join(s.headers, ";") + "\n" + payload)
	return b.String()
}

// path is the path in its canonical form: S3 encodes it once, the others the path as
// it was sent once more.
func (s *Signature) path(r *http.Request) string {
	sent := r.URL.EscapedPath()
	switch {
	case sent == "":
		return "/"
	case s.Service == "s3":
		return encode(r.URL.Path, true)
	}
	return encode(sent, true)
}

func canonicalQuery(raw string) string {
	var pairs []string
	for pair := range strings.SplitSeq(raw, "&") {
		k, v, _ := strings.Cut(pair, "=")
		if k == "" {
			continue
		}
		if k = recode(k); k != "X-Amz-Signature" {
			pairs = append(pairs, k+"="+recode(v))
		}
	}
	slices.SortFunc(pairs, func(a, b string) int {
		ak, av, _ := strings.Cut(a, "=")
		bk, bv, _ := strings.Cut(b, "=")
		if c := strings.Compare(ak, bk); c != 0 {
			return c
		}
		return strings.Compare(av, bv)
	})
	return strings.Join(pairs, "&")
}

// recode decodes and encodes again, so that each client's spelling comes out the same.
func recode(s string) string {
	plain, err := url.QueryUnescape(s)
	if err != nil {
		plain = s
	}
	return encode(plain, false)
}

// encode is RFC 3986 percent-encoding with capitals.
func encode(s string, slash bool) string {
	const upper = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0, c == '/' && slash:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(upper[c>>4])
			b.WriteByte(upper[c&15])
		}
	}
	return b.String()
}

func (s *Signature) scope() string {
	return s.day + "/" + s.Region + "/" + s.Service + "/aws4_request"
}

func (s *Signature) sign(key []byte, canonical string) string {
	return hex.EncodeToString(mac(key, algorithm+"\n"+s.Time.Format(stamp)+"\n"+s.scope()+"\n"+hexSum([]byte(canonical))))
}

func signingKey(secret, day, region, service string) []byte {
	return mac(mac(mac(mac([]byte("AWS4"+secret), day), region), service), "aws4_request")
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

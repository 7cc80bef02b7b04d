package cloud

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/sigv4"
)

// maxBody bounds what one request may send.
const maxBody = 32 << 20

// answer is a finished HTTP answer.
type answer struct {
	status int
	header http.Header
	body   []byte
	delay  time.Duration
	cut    bool
}

// ServeHTTP answers one request.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "request cannot be read: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	a := c.serve(r, body)
	if a.delay > 0 {
		t := time.NewTimer(a.delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return
		}
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if a.cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)+1))
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body[:len(a.body)/2])
		panic(http.ErrAbortHandler) // net/http's way to end a connection
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body) // a client that went away needs no answer
	}
}

// serve runs a request up to its answer.
func (c *Cloud) serve(r *http.Request, body []byte) answer {
	call := &Call{Cloud: c, Now: c.Now(), Host: r.Host, userAgent: r.UserAgent(), waiting: r.Context()}
	if call.sourceIP, _, _ = net.SplitHostPort(r.RemoteAddr); call.sourceIP == "" {
		call.sourceIP = r.RemoteAddr
	}
	c.mu.Lock()
	call.RequestID = c.UUID()
	c.mu.Unlock()
	body, err := c.authenticate(call, r, body)
	if err != nil {
		return call.failed(err)
	}
	route, err := call.find(r, body)
	if err != nil {
		return call.failed(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick(call.Now)
	due := c.due(call)
	out := c.run(call, route, due)
	if f := due[Slow]; f != nil {
		out.delay = f.Delay
	}
	out.cut = due[Cut] != nil
	return out
}

// run counts, runs and records a call.
func (c *Cloud) run(call *Call, route located, due map[FaultKind]*Fault) answer {
	key := Count{Service: call.Service.Name, Operation: call.Operation.Name, Region: call.Region}
	if call.Account != nil {
		key.Account = string(call.Account.ID)
	}
	c.counts[key]++
	call.badToken = due[WrongToken] != nil
	err := call.refused(due)
	var out any
	if err == nil {
		if !call.Operation.Read {
			defer c.bell.Ring()
		}
		call.used()
		out, err = call.handle(route.decode)
	}
	if err == nil {
		call.record(out, nil)
		return call.succeeded(out)
	}
	var failure *Error
	if !errors.As(err, &failure) {
		failure = call.Invalid("%v", err)
	}
	// What throttling and failures of AWS stop does not reach CloudTrail.
	if due[Throttle] == nil && due[Broken] == nil {
		call.record(nil, failure)
	}
	return call.failed(failure)
}

// used notes the last use of the caller's key and role.
func (c *Call) used() {
	w := &c.Caller
	if _, key, ok := c.Cloud.KeyOwner(w.Key); ok && key != nil {
		key.Used, key.Region, key.Service = c.Now, c.Region, c.Service.Name
	}
	if w.Role != nil {
		w.Role.LastUsed, w.Role.LastRegion = c.Now, c.Region
	}
}

// authenticate finds who calls, in which Region and of which service, and checks the
// signature. It returns the body without the framing of an upload.
func (c *Cloud) authenticate(call *Call, r *http.Request, body []byte) ([]byte, error) {
	s, err := sigv4.Parse(r)
	if errors.Is(err, sigv4.ErrUnsigned) {
		// Only S3 answers requests that nobody signed.
		call.Service, call.Region, call.protocol = c.services["s3"], "us-east-1", RESTXML
		if call.Service == nil || r.Header.Get("X-Amz-Target") != "" || r.Method == http.MethodPost {
			return nil, Fail("MissingAuthenticationToken", 403, "Request is missing Authentication Token")
		}
		call.Caller.ARN = "*"
		return body, nil
	}
	if err != nil {
		return nil, Fail("IncompleteSignature", 400, "%v", err)
	}
	if call.Region = s.Region; s.Region == "aws-global" {
		call.Region, call.global = "us-east-1", true
	}
	if call.Service = c.services[s.Service]; call.Service == nil {
		return nil, Fail("UnknownService", 404, "The simulator has no service %s", s.Service)
	}
	call.protocol = call.Service.protocolOf(r)
	cred, err := c.credential(call, s)
	if err != nil {
		return nil, err
	}
	body, err = s.Verify(r, body, cred.Secret, c.config.SigningClock())
	if err != nil {
		return nil, call.signatureError(err)
	}
	return body, nil
}

// credential finds the key of a signature and fills in the caller.
func (c *Cloud) credential(call *Call, s *sigv4.Signature) (Credential, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cred := c.keys[s.AccessKey]
	invalid := Fail(call.authCode("invalid"), 403, "The security token included in the request is invalid.")
	switch {
	case cred == nil, cred.Token != s.Token, !cred.signs(call.Now):
		return Credential{}, invalid
	case cred.Token != "" && !call.Now.Before(cred.Expires):
		return Credential{}, Fail(call.authCode("expired"), 403, "The security token included in the request is expired")
	}
	call.Caller, call.Account = cred.Caller, cred.Caller.Owner
	if call.Service.Global {
		call.Region = "us-east-1"
	}
	if region, ok := call.Account.Region(call.Region); !ok || !region.Enabled() {
		return Credential{}, invalid // as AWS answers in a Region that is not enabled
	}
	return *cred, nil
}

// authCode is the code of an error of authentication in the protocol of the call.
func (c *Call) authCode(what string) string {
	codes := map[Protocol]map[string]string{
		Query:    {"invalid": "InvalidClientTokenId", "expired": "ExpiredToken", "mismatch": "SignatureDoesNotMatch", "skewed": "SignatureDoesNotMatch"},
		EC2Query: {"invalid": "AuthFailure", "expired": "RequestExpired", "mismatch": "SignatureDoesNotMatch", "skewed": "RequestExpired"},
		RESTXML:  {"invalid": "InvalidAccessKeyId", "expired": "ExpiredToken", "mismatch": "SignatureDoesNotMatch", "skewed": "RequestTimeTooSkewed"},
		JSON:     {"invalid": "UnrecognizedClientException", "expired": "ExpiredTokenException", "mismatch": "InvalidSignatureException", "skewed": "InvalidSignatureException"},
	}
	if m, ok := codes[c.protocol]; ok {
		return m[what]
	}
	return codes[JSON][what]
}

func (c *Call) signatureError(err error) *Error {
	switch {
	case errors.Is(err, sigv4.ErrSkewed), errors.Is(err, sigv4.ErrExpired):
		return Fail(c.authCode("skewed"), 403, "%v", err)
	case errors.Is(err, sigv4.ErrMismatch):
		return Fail(c.authCode("mismatch"), 403, "%v", err)
	case errors.Is(err, sigv4.ErrPayload):
		return Fail("XAmzContentSHA256Mismatch", 400, "%v", err)
	}
	return Fail("IncompleteSignature", 400, "%v", err)
}

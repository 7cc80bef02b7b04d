package sigv4_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/sigv4"
	"github.com/rootkeep/rootkeep/internal/awssim/sigv4/sigv4test"
)

// The key and time of the examples in the Amazon S3 API Reference.
const (
	exampleID     = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var exampleTime = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)

func request(method, url string, body []byte, headers ...string) *http.Request {
	r := httptest.NewRequest(method, url, bytes.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func verify(r *http.Request, body []byte, secret string, now time.Time) ([]byte, error) {
	s, err := sigv4.Parse(r)
	if err != nil {
		return nil, err
	}
	return s.Verify(r, body, secret, now)
}

const emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func authorization(headers, signature string) string {
	return "AWS4-HMAC-SHA256 Credential=" + exampleID + "/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + headers + ",Signature=" + signature
}

// The examples of "Signature Calculations for the Authorization Header" and
// "Authenticating Requests: Using Query Parameters".
func TestExamplesOfAWSVerify(t *testing.T) {
	chunks := chunkedExample()
	for _, c := range []struct {
		name string
		r    *http.Request
		body []byte
		want int
	}{
		{"an object is got", request("GET", "https://examplebucket.s3.amazonaws.com/test.txt", nil, "Range", "bytes=0-9", "X-Amz-Content-Sha256", emptySum, "X-Amz-Date", "20130524T000000Z",
			"Authorization", authorization("host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")), nil, 0},
		{"a lifecycle is got, with a query without a value", request("GET", "https://examplebucket.s3.amazonaws.com/?lifecycle", nil, "X-Amz-Content-Sha256", emptySum, "X-Amz-Date", "20130524T000000Z",
			"Authorization", authorization("host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")), nil, 0},
		{"a presigned URL", request("GET", "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+exampleID+
			"%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", nil), nil, 0},
		{"an upload in chunks", chunkedRequest(chunks), chunks, 65 * 1024},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := verify(c.r, c.body, exampleSecret, exampleTime)
			if err != nil || len(got) != c.want {
				t.Errorf("got %d bytes and %v, want %d", len(got), err, c.want)
			}
		})
	}
}

// chunkedExample is the body of "Transferring Payload in Multiple Chunks": 65 KiB of a.
func chunkedExample() []byte {
	var b bytes.Buffer
	for _, c := range []struct {
		size      int
		signature string
	}{
		{65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"}, {1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"},
		{0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"},
	} {
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n%s\r\n", c.size, c.signature, strings.Repeat("a", c.size))
	}
	return b.Bytes()
}

func chunkedRequest(body []byte) *http.Request {
	r := request("PUT", "https://s3.amazonaws.com/examplebucket/chunkObject.txt", body, "X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "X-Amz-Date", "20130524T000000Z",
		"X-Amz-Decoded-Content-Length", "66560", "X-Amz-Storage-Class", "REDUCED_REDUNDANCY", "Content-Encoding", "aws-chunked", "Content-Length", "66824",
		"Authorization", authorization("content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class", "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"))
	return r
}

func TestChangedRequestsAreRefused(t *testing.T) {
	key := sigv4test.Key{ID: "AKIA", Secret: "secret"}
	now := exampleTime
	signed := func(change func(*http.Request)) *http.Request {
		r := request("POST", "http://localhost/", []byte("Action=ListUsers"))
		key.Sign(r, []byte("Action=ListUsers"), "us-east-1", "iam", now)
		change(r)
		return r
	}
	chunks := chunkedExample()
	broken := bytes.Replace(chunks, []byte("aaaa"), []byte("aaab"), 1)
	for _, c := range []struct {
		name string
		r    *http.Request
		body string
		at   time.Time
		want error
	}{
		{"as it was signed", signed(func(*http.Request) {}), "Action=ListUsers", now, nil},
		{"14 minutes later", signed(func(*http.Request) {}), "Action=ListUsers", now.Add(14 * time.Minute), nil},
		{"16 minutes later", signed(func(*http.Request) {}), "Action=ListUsers", now.Add(16 * time.Minute), sigv4.ErrSkewed},
		{"16 minutes before", signed(func(*http.Request) {}), "Action=ListUsers", now.Add(-16 * time.Minute), sigv4.ErrSkewed},
		{"another body", signed(func(*http.Request) {}), "Action=DeleteUser", now, sigv4.ErrPayload},
		{"another path", signed(func(r *http.Request) { r.URL.Path = "/x" }), "Action=ListUsers", now, sigv4.ErrMismatch},
		{"another host", signed(func(r *http.Request) { r.Host = "other" }), "Action=ListUsers", now, sigv4.ErrMismatch},
		{"a query more", signed(func(r *http.Request) { r.URL.RawQuery = "a=b" }), "Action=ListUsers", now, sigv4.ErrMismatch},
		{"a header of AWS's that is not signed", signed(func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }), "Action=ListUsers", now, sigv4.ErrMismatch},
		{"no signature", signed(func(r *http.Request) { r.Header.Del("Authorization") }), "Action=ListUsers", now, sigv4.ErrUnsigned},
		{"half a signature", signed(func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA") }), "Action=ListUsers", now, sigv4.ErrIncomplete},
		{"an older algorithm", signed(func(r *http.Request) { r.Header.Set("Authorization", "AWS AKIA:x") }), "Action=ListUsers", now, sigv4.ErrIncomplete},
		{"a byte of a chunk changed", chunkedRequest(broken), string(broken), now, sigv4.ErrMismatch},
		{"chunks cut short", chunkedRequest(chunks), string(chunks[:60000]), now, sigv4.ErrIncomplete},
	} {
		t.Run(c.name, func(t *testing.T) {
			secret := "secret"
			if strings.HasPrefix(c.name, "chunks") || strings.HasPrefix(c.name, "a byte") {
				secret = exampleSecret
			}
			if _, err := verify(c.r, []byte(c.body), secret, c.at); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// FuzzVerify: whatever a stranger sends is refused, without a panic.
func FuzzVerify(f *testing.F) {
	f.Add(authorization("host", "x"), "STREAMING-UNSIGNED-PAYLOAD-TRAILER", []byte("1\r\na\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"))
	f.Add(authorization("host;x-amz-date", "y"), "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", []byte("ffffffff\r\n"))
	f.Add("AWS4-HMAC-SHA256 Credential=////", "UNSIGNED-PAYLOAD", []byte(nil))
	f.Fuzz(func(t *testing.T, header, payload string, body []byte) {
		r := request("PUT", "http://localhost/a/b?c=%zz&d", nil)
		r.Header["Authorization"], r.Header["X-Amz-Content-Sha256"], r.Header["X-Amz-Date"] = []string{header}, []string{payload}, []string{"20130524T000000Z"}
		if _, err := verify(r, body, "a secret that the stranger does not know", exampleTime); err == nil {
			t.Error("a request that nobody signed verifies")
		}
	})
}

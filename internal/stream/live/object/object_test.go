package object_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
)

// answer is an HTTP server without a network.
type answer func(*http.Request) (*http.Response, error)

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func reader(through http.RoundTripper, key, secret string) *object.Reader {
	return object.NewReader(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://simulated.example"), HTTPClient: &http.Client{Transport: through},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})
}

func TestAnObjectIsReadAsOftenAsItIsOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := simtest.NewLogged(t)
		w.Must("s3", "PutObject", map[string]any{"Bucket": simtest.Bucket, "Key": "a b+c", "Body": []byte("hello")})
		o, err := reader(simtest.Direct{Cloud: w.Cloud}, w.Key.ID, w.Key.Secret).Open(t.Context(), object.Name{Bucket: simtest.Bucket, Key: "a b+c"})
		if err != nil {
			t.Fatal(err)
		}
		in := o.Input()
		for range 3 {
			body, err := in.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(body)
			if err := errors.Join(err, body.Close()); err != nil || string(text) != "hello" {
				t.Errorf("got %q, %v", text, err)
			}
		}
		if err := o.Close(); err != nil || in.Name != "s3://"+simtest.Bucket+"/a b+c" || in.OneMember {
			t.Errorf("got %v, %+v", err, in)
		}
	})
}

// What is gone is told from what may come back.
func TestWhyAnObjectIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := simtest.NewLogged(t)
		w.Must("s3", "PutObject", map[string]any{"Bucket": simtest.Bucket, "Key": "there", "Body": []byte("hello")})
		r := reader(simtest.Direct{Cloud: w.Cloud}, w.Key.ID, w.Key.Secret)
		for _, test := range []struct {
			name   string
			of     object.Name
			faults []cloud.FaultKind
			gone   bool
			says   string
		}{
			{"no such object", object.Name{Bucket: simtest.Bucket, Key: "none"}, nil, true, "NoSuchKey"},
			{"no such bucket", object.Name{Bucket: "none-of-example", Key: "there"}, nil, false, "NoSuchBucket"},
			{"denied", object.Name{Bucket: simtest.Bucket, Key: "there"}, []cloud.FaultKind{cloud.Deny}, false, "hint"},
			{"broken", object.Name{Bucket: simtest.Bucket, Key: "there"}, []cloud.FaultKind{cloud.Broken}, false, ""},
		} {
			for _, k := range test.faults {
				w.AddFault(cloud.Fault{Kind: k, Service: "s3", Operation: "GetObject"})
			}
			o, err := r.Open(t.Context(), test.of)
			_, gone := errors.AsType[*object.Gone](err)
			if err == nil || o != nil || gone != test.gone || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: got %v, gone %v", test.name, err, gone)
			}
			w.ClearFaults()
		}
	})
}

func TestWhatIsTooLargeIsNotRead(t *testing.T) {
	closed := false
	r := reader(answer(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, ContentLength: object.Largest + 1, Header: http.Header{"Content-Length": {"1073741825"}}, Body: closing{&closed}}, nil
	}), "k", "s")
	if _, err := r.Open(t.Context(), object.Name{Bucket: "b", Key: "k"}); err == nil || !strings.Contains(err.Error(), "more than the 1073741824") || !closed {
		t.Errorf("got %v, closed %v, want a refusal", err, closed)
	}
}

type closing struct{ closed *bool }

func (c closing) Read([]byte) (int, error) { return 0, io.EOF }

func (c closing) Close() error {
	*c.closed = true
	return nil
}

func TestAServerThatDoesNotAnswerIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reader(answer(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), "k", "s")
		begun := time.Now()
		_, err := r.Open(t.Context(), object.Name{Bucket: "b", Key: "k"})
		if err == nil || time.Since(begun) > 3*time.Minute || errors.Is(t.Context().Err(), context.Canceled) {
			t.Errorf("got %v after %s", err, time.Since(begun))
		}
	})
}

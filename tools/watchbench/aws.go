package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

const (
	home    = "111122223333" // of the bucket and the queue
	bucket  = "logs-of-example"
	putPath = "/-/put"
)

// simulated is what a simulator says when it is ready.
type simulated struct {
	Endpoint, Key, Secret, Queue string
	stop                         func() error
}

// startAWS starts the simulator in a process of its own.
func startAWS() (*simulated, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.Command(self, "-be-aws")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	s := &simulated{stop: func() error {
		err := c.Process.Kill()
		_ = c.Wait() // it was killed
		return err
	}}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the simulator: %w", err), s.stop())
	}
	return s, nil
}

// env is what a process finds the simulator by.
func (s *simulated) env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + s.Endpoint, "AWS_ACCESS_KEY_ID=" + s.Key, "AWS_SECRET_ACCESS_KEY=" + s.Secret, "AWS_SESSION_TOKEN=", "AWS_REGION=us-east-1",
		"AWS_PROFILE=", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "AWS_EC2_METADATA_DISABLED=true",
	}
}

// put puts an object into the bucket.
func (s *simulated) put(ctx context.Context, key string, data []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, s.Endpoint+putPath+"?key="+url.QueryEscape(key), bytes.NewReader(data))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("put %s: %s: %s", key, answer.Status, text)
	}
	return nil
}

// beAWS is an account with a bucket that tells a queue of new objects, until the process is
// killed.
func beAWS(ctx context.Context, stdout io.Writer) error {
	c, err := awssim.New(cloud.Config{Clock: time.Now, Seed: 1})
	if err != nil {
		return err
	}
	a, err := c.AddAccount(home, "logs", "logs@example.com", time.Now().AddDate(-1, 0, 0))
	if err != nil {
		return err
	}
	admin := &cloud.User{Holder: cloud.Holder{
		Name: "admin", Path: "/", ID: c.UniqueID("AIDA"), ARN: a.IAM("user/admin"), Created: time.Now(), Inline: map[string]string{},
		Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
	}}
	a.Users["admin"] = admin
	key := c.NewKey(cloud.UserCaller(a, admin), time.Now())
	admin.Keys = []*cloud.AccessKey{key}
	call := func(service, operation string, with map[string]any) error {
		_, err := c.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, admin), Region: "us-east-1", Service: service, Operation: operation, Parameters: with})
		return err
	}
	const arn = "arn:aws:sqs:us-east-1:" + home + ":trail"
	may := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + arn + `"}]}`
	err = errors.Join(
		call("s3", "CreateBucket", map[string]any{"Bucket": bucket}),
		call("sqs", "CreateQueue", map[string]any{"QueueName": "trail", "Attributes": map[string]any{"Policy": may}}),
		call("s3", "PutBucketNotificationConfiguration", map[string]any{"Bucket": bucket, "NotificationConfiguration": map[string]any{
			"QueueConfiguration": []any{map[string]any{"Queue": arn, "Event": []string{"s3:ObjectCreated:*"}}},
		}}),
	)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ready := &simulated{Endpoint: "http://" + l.Addr().String(), Key: key.ID, Secret: key.Secret, Queue: "https://sqs.us-east-1.amazonaws.com/" + home + "/trail"}
	if err := json.NewEncoder(stdout).Encode(ready); err != nil {
		return err
	}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != putPath {
			c.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = call("s3", "PutObject", map[string]any{"Bucket": bucket, "Key": r.URL.Query().Get("key"), "Body": body})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
}

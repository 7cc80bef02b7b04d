package inflate

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
)

// BenchmarkInflate and BenchmarkStdGzip decode the same log: their ratio is what
// counts. RK_INFLATE_FILE names a gzip file to decode in place of the made one,
// and with RK_INFLATE_KEEP the made one is written there.
func BenchmarkInflate(b *testing.B) {
	compressed, size := benchmarkLog(b)
	b.SetBytes(size)
	buf := make([]byte, 8*WindowSize)
	var d Decoder
	for b.Loop() {
		d.Reset(bytes.NewReader(compressed))
		pos := 0
		for {
			if len(buf)-pos < WindowSize {
				pos = copy(buf, buf[pos-WindowSize:pos])
			}
			n, err := d.Inflate(buf, pos)
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			pos += n
		}
	}
}

// BenchmarkInflateSmallObjects decodes one record at a time: starting and reading the
// codes then cost more than decoding.
func BenchmarkInflateSmallObjects(b *testing.B) {
	log := cloudTrailLog(1 << 10)
	compressed := gzipped(b, log, 6)
	b.SetBytes(int64(len(log)))
	buf := make([]byte, 4*WindowSize)
	var d Decoder
	src := bytes.NewReader(nil)
	for b.Loop() {
		src.Reset(compressed)
		d.Reset(src)
		pos := 0
		for {
			n, err := d.Inflate(buf, pos)
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			pos += n
		}
	}
}

func BenchmarkStdGzipSmallObjects(b *testing.B) {
	log := cloudTrailLog(1 << 10)
	compressed := gzipped(b, log, 6)
	b.SetBytes(int64(len(log)))
	var z gzip.Reader
	src := bytes.NewReader(nil)
	for b.Loop() {
		src.Reset(compressed)
		if err := z.Reset(src); err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, &z); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReader(b *testing.B) {
	compressed, size := benchmarkLog(b)
	b.SetBytes(size)
	for b.Loop() {
		if _, err := io.Copy(io.Discard, NewReader(bytes.NewReader(compressed))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStdGzip(b *testing.B) {
	compressed, size := benchmarkLog(b)
	b.SetBytes(size)
	var z gzip.Reader
	for b.Loop() {
		if err := z.Reset(bytes.NewReader(compressed)); err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, &z); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkLog(b *testing.B) (compressed []byte, size int64) {
	b.Helper()
	if name := os.Getenv("RK_INFLATE_FILE"); name != "" {
		var err error
		if compressed, err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, NewReader(bytes.NewReader(compressed)))
		if err != nil {
			b.Fatal(err)
		}
		return compressed, n
	}
	log := cloudTrailLog(20 << 20)
	compressed = gzipped(b, log, 6)
	b.ReportMetric(float64(len(log))/float64(len(compressed)), "ratio")
	if name := os.Getenv("RK_INFLATE_KEEP"); name != "" {
		if err := os.WriteFile(name, compressed, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return compressed, int64(len(log))
}

func gzipped(tb testing.TB, data []byte, level int) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, level)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// cloudTrailLog makes about size bytes that compress about as well as a CloudTrail
// log does: invented records of a few principals, mixed with random identifiers.
func cloudTrailLog(size int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(choices ...string) string { return choices[rnd.IntN(len(choices))] }
	random := func(digits string, n int) string {
		s := make([]byte, n)
		for i := range s {
			s[i] = digits[rnd.IntN(len(digits))]
		}
		return string(s)
	}
	hex := func(n int) string { return random("0123456789abcdef", n) }
	id := func(n int) string { return random("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", n) }
	out := []byte(`{"Records":[`)
	for seconds := 0; len(out) < size; seconds += rnd.IntN(4) {
		role := pick("deploy", "reader", "backup", "scanner", "ci-runner", "billing-export")
		when := fmt.Sprintf("2026-11-%02dT%02d:%02d:%02dZ", 1+seconds/86400%28, seconds/3600%24, seconds/60%60, seconds%60)
		service := pick("s3", "ec2", "iam", "sts", "kms", "lambda", "logs", "dynamodb")
		out = fmt.Appendf(out, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA%s:session-%s",`+
			`"arn":"arn:aws:sts::111122223333:assumed-role/%s/session-%s","accountId":"111122223333","accessKeyId":"ASIA%s",`+
			`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA%s","arn":"arn:aws:iam::111122223333:role/%s",`+
			`"accountId":"111122223333","userName":"%s"},"attributes":{"creationDate":"%s","mfaAuthenticated":"false"}}},`,
			id(16), hex(8), role, hex(8), id(16), id(16), role, role, when)
		out = fmt.Appendf(out, `"eventTime":"%s","eventSource":"%s.amazonaws.com","eventName":"%s%s","awsRegion":"%s",`+
			`"sourceIPAddress":"198.51.100.%d","userAgent":"%s/%d.%d.%d md/Botocore#1.%d.%d ua/2.0 os/linux#5.10.%d md/arch#x86_64 lang/python#3.11.%d",`,
			when, service, pick("Get", "List", "Describe", "Put", "Create", "Delete"), pick("Object", "Bucket", "Instances", "Key", "Role", "Stream"),
			pick("us-east-1", "eu-west-3", "ap-southeast-2"), rnd.IntN(256), pick("aws-cli", "Boto3", "aws-sdk-java"),
			1+rnd.IntN(2), rnd.IntN(30), rnd.IntN(90), rnd.IntN(40), rnd.IntN(200), rnd.IntN(220), rnd.IntN(12))
		out = fmt.Appendf(out, `"requestParameters":{"bucketName":"%s-%s","key":"data/%s/%s/part-%05d.parquet","Host":"%s.s3.amazonaws.com"},`+
			`"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256",`+
			`"bytesTransferredIn":%d,"bytesTransferredOut":%d,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"%s"},`,
			pick("logs", "data", "backup"), hex(4), when[:10], pick("orders", "clicks", "sessions"), rnd.IntN(10000), hex(8), rnd.IntN(100), rnd.IntN(1<<20), id(76))
		out = fmt.Appendf(out, `"requestID":"%s","eventID":"%s-%s-%s-%s-%s","readOnly":%t,"resources":[{"accountId":"111122223333",`+
			`"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::%s"}],"eventType":"AwsApiCall","managementEvent":%t,"recipientAccountId":"111122223333",`+
			`"eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256",`+
			`"clientProvidedHostHeader":"%s.amazonaws.com"}},`,
			id(16), hex(8), hex(4), hex(4), hex(4), hex(12), rnd.IntN(2) == 0, pick("logs", "data", "backup"), rnd.IntN(2) == 0, service)
	}
	return append(out[:len(out)-1], "]}"...)
}

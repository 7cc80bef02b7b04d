package cloudtrail

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// trail writes n records the way AWS writes them: some callers and calls with
// very different frequency, in bursts (72 % of records repeat the caller and
// the call before), about 1.4 KB each. The same seed gives the same bytes.
func trail(n int, seed uint64) string {
	g := trailGenerator{rand: rand.New(rand.NewPCG(seed, 1))}
	g.out.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			g.out.WriteByte(',')
		}
		if i == 0 || g.rand.IntN(100) >= 72 {
			g.newBurst()
		}
		g.record(i)
	}
	g.out.WriteString(`]}`)
	return g.out.String()
}

type trailGenerator struct {
	rand     *rand.Rand
	out      strings.Builder
	identity string
	agent    string
	address  string
	call     call
}

type call struct{ source, name, request, response, tail string }

var calls = []call{
	{"kms", "Decrypt", `{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::data-%[1]s/part-%[1]s.parquet"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, `null`, `"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-3:111122223333:key/6b1a7a1c-9f4e-4b1d-8b55-0d3a4a2b7c11"}],`},
	{"sts", "AssumeRole", `{"roleArn":"arn:aws:iam::111122223333:role/service-%.2[1]s","roleSessionName":"session-%[1]s","durationSeconds":3600}`, `{"credentials":{"accessKeyId":"ASIA%[1]s","sessionToken":"IQoJb3JpZ2luX2VjEL%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s","expiration":"Nov 22, 2026, 2:05:00 PM"},"assumedRoleUser":{"assumedRoleId":"AROAEXAMPLE:session-%[1]s","arn":"arn:aws:sts::111122223333:assumed-role/service/session-%[1]s"}}`, `"resources":[{"accountId":"111122223333","type":"AWS::IAM::Role","ARN":"arn:aws:iam::111122223333:role/service"}],`},
	{"ssm", "UpdateInstanceInformation", `{"instanceId":"i-%[1]s","agentVersion":"3.3.859.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023","iPAddress":"10.1.2.3","computerName":"ip-10-1-2-3.eu-west-3.compute.internal","availabilityZone":"eu-west-3a"}`, `null`, ``},
	{"ec2", "DescribeInstances", `{"instancesSet":{},"filterSet":{"items":[{"name":"tag:service","valueSet":{"items":[{"value":"web-%.2[1]s"}]}}]}}`, `null`, ``},
	{"logs", "CreateLogStream", `{"logGroupName":"/aws/lambda/worker","logStreamName":"2026/11/22/[$LATEST]%[1]s"}`, `null`, `"apiVersion":"20140328",`},
	{"s3", "GetBucketPolicy", `{"bucketName":"data-%.3[1]s","Host":"data.s3.eu-west-3.amazonaws.com","policy":""}`, `null`, `"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"bytesTransferredOut":412,"x-amz-id-2":"%[1]s%[1]s"},`},
	{"iam", "PutRolePolicy", `{"roleName":"app-%.3[1]s","policyName":"inline","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:ListBucket\"],\"Resource\":\"*\"}]}"}`, `null`, ``},
	{"ec2", "RunInstances", `{"instancesSet":{"items":[{"imageId":"ami-%[1]s","minCount":1,"maxCount":1,"keyName":"ops"}]},"instanceType":"m7i.large","monitoring":{"enabled":false}}`, `{"requestId":"%[1]s","reservationId":"r-%[1]s","ownerId":"111122223333","groupSet":{},"instancesSet":{"items":[{"instanceId":"i-%[1]s","imageId":"ami-%[1]s","instanceState":{"code":0,"name":"pending"},"privateDnsName":"ip-10-1-2-4.eu-west-3.compute.internal","amiLaunchIndex":0,"productCodes":{},"instanceType":"m7i.large","launchTime":1795352700000,"placement":{"availabilityZone":"eu-west-3a","tenancy":"default"},"monitoring":{"state":"disabled"},"subnetId":"subnet-%[1]s","vpcId":"vpc-%[1]s","privateIpAddress":"10.1.2.4","stateReason":{"code":"pending","message":"pending"},"architecture":"x86_64","rootDeviceType":"ebs","virtualizationType":"hvm","hypervisor":"xen","tagSet":{"items":[{"key":"service","value":"web"}]}}]}}`, ``},
}

var agents = []string{
	"aws-sdk-java/2.25.12 Linux/5.10.210 OpenJDK_64-Bit_Server_VM/17.0.10 Java/17.0.10 vendor/Amazon.com_Inc. io/sync http/Apache cfg/retry-mode/standard",
	"Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#5.10.210 md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.51",
	"aws-sdk-go/1.50.36 (go1.22.1; linux; amd64) amazon-ssm-agent/3.3.859.0",
	"[S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.750]",
	"ec2.amazonaws.com",
}

func (g *trailGenerator) newBurst() {
	g.call = calls[min(g.rand.IntN(len(calls)), g.rand.IntN(len(calls)))]
	g.agent = agents[g.rand.IntN(len(agents))]
	g.address = fmt.Sprintf("198.51.100.%d", g.rand.IntN(256))
	who := g.rand.IntN(300)
	switch {
	case who < 240:
		g.identity = fmt.Sprintf(`{"type":"AssumedRole","principalId":"AROAEXAMPLE%05[1]d:i-0abc%05[1]d","arn":"arn:aws:sts::111122223333:assumed-role/service-%05[1]d/i-0abc%05[1]d","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE%05[1]d","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE%05[1]d","arn":"arn:aws:iam::111122223333:role/service-%05[1]d","accountId":"111122223333","userName":"service-%05[1]d"},"webIdFederationData":{},"attributes":{"creationDate":"2026-11-22T%02[2]d:05:00Z","mfaAuthenticated":"false"},"ec2RoleDelivery":"2.0"}}`, who, who%24)
	case who < 260:
		g.identity = fmt.Sprintf(`{"type":"IAMUser","principalId":"AIDAEXAMPLE%05[1]d","arn":"arn:aws:iam::111122223333:user/user-%05[1]d","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE%05[1]d","userName":"user-%05[1]d"}`, who)
	case who < 262:
		g.identity = `{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":""}`
	default:
		g.identity = fmt.Sprintf(`{"type":"AWSService","invokedBy":"service-%d.amazonaws.com"}`, who%5)
	}
}

func (g *trailGenerator) record(n int) {
	unique := fmt.Sprintf("%08x%09x", g.rand.Uint32(), g.rand.Uint64N(1<<36))
	failure := ""
	if g.rand.IntN(50) == 0 {
		failure = `"errorCode":"AccessDenied","errorMessage":"User is not authorized to perform this operation",`
	}
	fill := func(s string) string {
		if !strings.Contains(s, "%") {
			return s
		}
		return fmt.Sprintf(s, unique)
	}
	fmt.Fprintf(&g.out, `{"eventVersion":"1.11","userIdentity":%s,"eventTime":"2026-11-22T%02d:%02d:%02dZ","eventSource":"%s.amazonaws.com","eventName":"%s","awsRegion":"eu-west-3","sourceIPAddress":"%s","userAgent":"%s",%s"requestParameters":%s,"responseElements":%s,`,
		g.identity, n/3600%24, n/60%60, n%60, g.call.source, g.call.name, g.address, g.agent, failure, fill(g.call.request), fill(g.call.response))
	fmt.Fprintf(&g.out, `"requestID":"%[1]s-4c1d-8e2f-%[1]s","eventID":"%016[2]x-4c1d-8e2f-%[1]s","readOnly":true,%[3]s"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"%[4]s.eu-west-3.amazonaws.com"}}`,
		unique, g.rand.Uint64(), fill(g.call.tail), g.call.source)
}

// huntFields are some that any hunt asks for and some of the kind that rules
// add.
var huntFields = []string{
	FieldEventTime, FieldEventSource, FieldEventName, FieldRegion, FieldSourceIP, FieldUserAgent, FieldErrorCode,
	FieldEventID, FieldRecipientAccount, FieldIdentityType, FieldIdentityARN, FieldIdentityAccount, FieldIdentityKey,
	FieldSessionIssuerARN, "requestParameters.policyDocument",
}

func BenchmarkScan(b *testing.B) {
	data := []byte(trail(20000, 7))
	plain := Input{Name: "trail", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
	benchmarkRead(b, plain, len(data))
}

func BenchmarkReadGzip(b *testing.B) {
	data := trail(20000, 7)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(w, data); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d bytes, %d stored", len(data), zipped.Len())
	in := Input{Name: "trail", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(zipped.Bytes())), nil }}
	benchmarkRead(b, in, len(data))
}

// BenchmarkReadTiny reads an object of three records, of which an account has
// millions.
func BenchmarkReadTiny(b *testing.B) {
	data := trail(3, 7)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(w, data); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	in := Input{Name: "trail", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(zipped.Bytes())), nil }}
	benchmarkRead(b, in, len(data))
}

func benchmarkRead(b *testing.B, in Input, size int) {
	r := newReader(b, Options{}, huntFields...)
	records := 0
	each := func(*Record) error { records++; return nil }
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if stats := r.Read(b.Context(), in, each); stats.Problems != nil {
			b.Fatal(stats.Problems)
		}
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}

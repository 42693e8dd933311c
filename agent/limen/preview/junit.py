"""A report as JUnit XML: a suite for the preview, the quota check and the policies."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from limen.preview.escaping import xml_lines
from limen.preview.model import Report


def render(report: Report) -> str:
    """The document, ending in a newline. It holds no times: they would differ from run to run."""
    root = Element("testsuites", name=f"preview of {report.name}")
    for suite in (_preview(report), _quota(report), _policies(report)):
        _count(suite)
        root.append(suite)
    _count(root)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml_lines(text)}\n'


def _preview(report: Report) -> Element:
    suite = Element("testsuite", name="preview")
    case = SubElement(suite, "testcase", classname="preview", name="the engine previews the stack")
    if report.errors:
        told = "\n".join(f"{each.urn}\n{each.message}".strip() for each in report.errors)
        SubElement(case, "error", message=_first(report.errors[0].message)).text = told
    if report.effects:
        lines = [f"{each.way}: {each.subject} {each.sentence}" for each in report.effects]
        SubElement(case, "system-out").text = "\n".join(lines)
    return suite


def _quota(report: Report) -> Element:
    suite = Element("testsuite", name="quota")
    for row in report.quota:
        case = SubElement(suite, "testcase", classname=row.scope, name=row.resource)
        figures = f"limit {row.limit}, before {row.before}, peak {row.peak}, after {row.after or 'not told'}"
        if row.verdict == "denied":
            SubElement(case, "failure", message=figures).text = report.denial
        else:
            SubElement(case, "system-out").text = f"{row.verdict}: {figures}"
    # Bounds of single VMs have no line of their own, and a denial without a decision has none at all.
    if report.verdict == "denied" and not any(row.verdict == "denied" for row in report.quota):
        case = SubElement(suite, "testcase", classname="quota", name="the stack is admitted")
        SubElement(case, "failure", message=report.summary).text = report.denial
    return suite


def _policies(report: Report) -> Element:
    suite = Element("testsuite", name="policies")
    if report.policies is None:
        return suite
    for pack, policy in report.policies.held:
        SubElement(suite, "testcase", classname=pack, name=policy)
    for each in report.policies.violations:
        case = SubElement(
            suite, "testcase", classname=f"{each.pack}/{each.policy}", name=each.resource or "stack"
        )
        if each.mandatory:
            SubElement(case, "failure", message=_first(each.message)).text = each.message
        else:
            SubElement(case, "system-out").text = f"advice: {each.message}"
    return suite


def _count(element: Element) -> None:
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        element.set(name, str(len(list(element.iter(tag)))))


def _first(message: str) -> str:
    return message.partition("\n")[0]

//! The parts that several engines share.

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};

/// regorus' virtual machine with a program and data, used again for each request.
pub struct Machine(RegoVM);

impl Machine {
    /// True if the rule it was made for is true of the input.
    pub fn allows(&mut self, input: &Value) -> bool {
        self.0.set_input(input.clone());
        matches!(self.0.execute_entry_point_by_index(0), Ok(Value::Bool(true)))
    }
}

/// Compiles one rule for the virtual machine.
///
/// # Errors
///
/// An error of the compiler or the machine.
pub fn vm(mut engine: Engine, data: Value, rule: &str) -> Result<Machine, String> {
    let told = |error: &dyn std::fmt::Display| format!("regorus: {error}");
    let policy = engine.compile_with_entrypoint(&rule.into()).map_err(|error| told(&error))?;
    let program = Compiler::compile_from_policy(&policy, &[rule]).map_err(|error| told(&error))?;
    let mut machine = RegoVM::new();
    machine.load_program(program);
    machine.set_data(data).map_err(|error| told(&error))?;
    machine.set_max_instructions(usize::MAX);
    Ok(Machine(machine))
}

/// Runs what casbin calls asynchronous, which waits for nothing here.
///
/// # Panics
///
/// An error if the system can't make a runtime.
pub fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime without I/O").block_on(work)
}
